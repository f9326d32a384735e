"""A direction's networks with all that their stars are held against, ready to translate."""

from collections.abc import Sequence
from pathlib import Path

from spectrotranslator.config import Configuration
from spectrotranslator.config.configuration import Feature, MonteCarloSettings
from spectrotranslator.errors import InputError
from spectrotranslator.network.device import device_of
from spectrotranslator.network.saved_model import Model, load_model
from spectrotranslator.network.training_sample import Sample

from .ensemble_inference import Ensemble
from .intervals import Intervals
from .montecarlo import NetworkPart
from .quality_flags import PairMaps
from .residual_intervals import ResidualIntervals
from .residual_percentiles import kinds_from_residuals
from .support_distance import JointSupport


def network_parts(
    configuration: Configuration,
    method: str,
    direction: str,
    samples: list[Path],
    weights: dict[str, list[Path]],
    calibrations: dict[str, Path],
) -> list[NetworkPart]:
    """The networks of one direction with the maps of their training stars.

    Of ``weights`` so many members are taken as the method has, the first ones. ``calibrations``
    holds the file of each kind, for a method whose percentiles are calibrated.
    """
    parts = []
    settings = configuration.methods[method]
    calibrated = settings.montecarlo.intervals == "calibrated"
    for (kind, shape), path in zip(
        configuration.directions[direction].networks.items(), samples, strict=True
    ):
        if calibrated and kind not in calibrations:
            raise InputError(f"{method} {direction} {kind}: its calibration was not given")
        intervals = Intervals.read(calibrations[kind], shape.outputs) if calibrated else None
        models = [load_model(member) for member in weights[kind][: settings.ensemble.members]]
        sample = Sample.read(path, shape)
        parts.append(
            network_part(configuration, method, direction, kind, sample, models, intervals)
        )
    return parts


def of_kinds(calibrations: list[Path]) -> dict[str, Path]:
    """Kind to its calibration's file, which lies in the kind's folder."""
    return {path.parent.name: path for path in calibrations}


def network_part(
    configuration: Configuration,
    method: str,
    direction: str,
    kind: str,
    sample: Sample,
    models: Sequence[Model],
    intervals: Intervals | None = None,
) -> NetworkPart:
    """One network of a direction with the maps of the stars it was trained on.

    Without ``intervals``, percentiles are those over the realisations; where no input has an
    error, those of the residuals of stars left out.
    """
    settings = configuration.methods[method].montecarlo
    chosen = configuration.directions[direction]
    shape = chosen.networks[kind]
    origin, target = (configuration.surveys[s].features for s in (chosen.origin, chosen.target))
    training = sample.trained_on(configuration.methods[method].training.folds)
    ensemble = Ensemble(models, device_of(configuration.compute))
    if intervals is None and kind in kinds_from_residuals(configuration, method, direction):
        intervals = ResidualIntervals.of(sample, ensemble, configuration.methods[method])
    return NetworkPart(
        kind=kind,
        ensemble=ensemble,
        input_maps=PairMaps.of(training.inputs, settings.map_bins, settings.map_precision),
        output_maps=PairMaps.of(training.outputs, settings.map_bins, settings.map_precision),
        input_names=[origin[name].comment or name for name in shape.inputs],
        output_names=[target[name].comment or name for name in shape.outputs],
        intervals=intervals,
        joint=_joint(training, ensemble, settings),
        colours=_colours(origin, settings),
    )


def _joint(
    training: Sample, ensemble: Ensemble, settings: MonteCarloSettings
) -> JointSupport | None:
    if not settings.joint_support:
        return None
    return JointSupport.of(
        training.inputs, ensemble.input_scaling, settings.neighbours, settings.joint_support
    )


def _colours(
    features: dict[str, Feature], settings: MonteCarloSettings
) -> dict[str, tuple[str, str]]:
    if settings.colour_noise == "independent":
        return {}
    return {name: feature.difference for name, feature in features.items() if feature.difference}
