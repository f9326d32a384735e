"""The published execution's network and its training, with the semantics of the authors' code.

One file to read in a minute; it shares nothing with the engine that is held against it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .seeds import named_seed
from .settings import PublishedSettings

ROWS_AT_ONCE = 20_000


class NormedLinear(nn.Module):
    """``y = g * (v x / |v|) + b`` with direction ``v`` and length ``g`` learned apart.

    The first batch sets ``g`` to 1/s and ``b`` to -m/s, with mean m and deviation s of ``v x``.
    """

    def __init__(self, width: int):
        super().__init__()
        self.v = nn.Parameter(torch.empty(width, width))
        self.g = nn.Parameter(torch.ones(width))
        self.b = nn.Parameter(torch.zeros(width))
        self.started = False
        nn.init.xavier_uniform_(self.v)

    def forward(self, x: Tensor) -> Tensor:
        """Pre-activation (n, width)."""
        if not self.started:
            with torch.no_grad():
                unnormed = x @ self.v.T
                self.g.copy_(1 / torch.sqrt(unnormed.var(dim=0, unbiased=False) + 1e-10))
                self.b.copy_(-unnormed.mean(dim=0) * self.g)
            self.started = True
        projected = x @ (self.v / self.v.norm(dim=1, keepdim=True)).T
        return projected * self.g + self.b


class Residual(nn.Module):
    """``x + W2 d(relu(W1 d(relu(x))))``."""

    def __init__(self, width: int, dropout: float):
        super().__init__()
        self.first, self.second = NormedLinear(width), NormedLinear(width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as ``x``."""
        hidden = self.first(self.drop(torch.relu(x)))
        return x + self.second(self.drop(torch.relu(hidden)))


class Translator(nn.Module):
    """Adds a learned correction to ``start``: the inputs (in standardised space) it translates."""

    def __init__(self, n_in: int, n_out: int, widths: tuple[int, ...], dropout_from: int):
        super().__init__()
        layers: list[nn.Module] = [nn.Linear(n_in, widths[0])]
        for width in widths[:-1]:
            layers += [_residual(width, dropout_from), nn.Linear(width, 2 * width)]
        layers.append(_residual(widths[-1], dropout_from))
        for width in widths[-2::-1]:
            layers += [nn.Linear(2 * width, width), _residual(width, dropout_from)]
        layers.append(nn.Linear(widths[0], n_out))
        for layer in layers:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
                nn.init.zeros_(layer.bias)
        self.layers = nn.Sequential(*layers)
        self.start = slice(0, n_out) if n_out > 1 else slice(n_in - 1, n_in)

    def forward(self, x: Tensor) -> Tensor:
        """Standardised outputs (n, n_out) of standardised inputs (n, n_in)."""
        return x[:, self.start] + self.layers(x)


def _residual(width: int, dropout_from: int) -> Residual:
    return Residual(width, 0.5 if width >= dropout_from else 0.0)


@dataclass(frozen=True)
class Ensemble:
    """Trained networks with their one scaler and the training rows (physical units)."""

    networks: list[Translator]
    mean_in: np.ndarray
    std_in: np.ndarray
    mean_out: np.ndarray
    std_out: np.ndarray
    train_inputs: np.ndarray
    train_outputs: np.ndarray
    losses: list[float]

    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Predictions (members, n, n_out) for inputs (n, n_in); a blank counts as the mean."""
        standard = (inputs - self.mean_in) / self.std_in
        standard = np.where(np.isfinite(standard), standard, 0.0)
        blocks = torch.from_numpy(standard.astype(np.float32)).split(ROWS_AT_ONCE)
        with torch.no_grad():
            answers = [
                torch.cat([one(x) for x in blocks]).double().numpy() for one in self.networks
            ]
        return np.stack(answers) * self.std_out + self.mean_out


def split_rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation rows: of one permutation the first fifth, rounded up, validates."""
    order = np.random.RandomState(42).permutation(n)
    n_validation = int(np.ceil(0.2 * n))
    return order[n_validation:], order[:n_validation]


def train_ensemble(
    settings: PublishedSettings, name: str, inputs: np.ndarray, outputs: np.ndarray
) -> Ensemble:
    """Train all members on one split of inputs (n, n_in) and outputs (n, n_out)."""
    train, validation = split_rows(len(inputs))
    mean_in, std_in = inputs[train].mean(axis=0), inputs[train].std(axis=0)
    mean_out, std_out = outputs[train].mean(axis=0), outputs[train].std(axis=0)
    x = torch.from_numpy(((inputs - mean_in) / std_in).astype(np.float32))
    y = torch.from_numpy(((outputs - mean_out) / std_out).astype(np.float32))
    networks, losses = [], []
    for member in range(settings.members):
        torch.manual_seed(named_seed(settings.seed, "published", name, member))
        network = Translator(
            inputs.shape[1], outputs.shape[1], settings.widths, settings.dropout_from_width
        )
        losses.append(
            _train(settings, network, (x[train], y[train]), (x[validation], y[validation]))
        )
        networks.append(network.eval())
    return Ensemble(
        networks, mean_in, std_in, mean_out, std_out, inputs[train], outputs[train], losses
    )


class KerasAdam:
    """Adam as Keras has it: epsilon joins the raw deviation, the rate is in single precision."""

    def __init__(self, parameters: list[Tensor]):
        self.parameters = parameters
        self.first = [torch.zeros_like(one) for one in parameters]
        self.second = [torch.zeros_like(one) for one in parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """Move all parameters by their gradients, which are cleared."""
        self.steps += 1
        single = np.float32
        first_power = single(float(single(0.9)) ** self.steps)
        second_power = single(float(single(0.999)) ** self.steps)
        rate = single(rate) * np.sqrt(single(1) - second_power) / (single(1) - first_power)
        for one, first, second in zip(self.parameters, self.first, self.second, strict=True):
            first += (one.grad - first) * (1 - 0.9)
            second += (one.grad**2 - second) * (1 - 0.999)
            one -= float(rate) * first / (second.sqrt() + 1e-7)
            one.grad = None


def _train(
    settings: PublishedSettings,
    network: Translator,
    train: tuple[Tensor, Tensor],
    validation: tuple[Tensor, Tensor],
) -> float:
    """Train over all phases, the optimiser's moments living on; the last validation loss."""
    optimiser = KerasAdam(list(network.parameters()))
    end = 0
    loss = float("inf")
    for phase, rate in enumerate(settings.learning_rates):
        start = 0 if phase == 0 else max(end - settings.patience, 0)
        best, best_weights, wait = float("inf"), None, 0
        for epoch in range(start, settings.epochs):
            _one_epoch(network, optimiser, rate, train, settings.batch)
            network.eval()
            with torch.no_grad():
                loss = (network(validation[0]) - validation[1]).abs().mean().item()
            end = epoch + 1
            if loss < best:
                best, wait = loss, 0
                best_weights = {key: one.clone() for key, one in network.state_dict().items()}
                continue
            wait += 1
            if wait >= settings.patience:
                network.load_state_dict(best_weights)
                loss = best
                break
    return loss


def _one_epoch(
    network: Translator,
    optimiser: KerasAdam,
    rate: float,
    train: tuple[Tensor, Tensor],
    batch: int,
) -> None:
    network.train()
    x, y = train
    order = torch.randperm(len(x))
    for first in range(0, len(x), batch):
        rows = order[first : first + batch]
        (network(x[rows]) - y[rows]).abs().mean().backward()
        optimiser.step(rate)
