"""The simulated sky: what the surveys measure, what is wrong with their catalogues, the files."""

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from astropy.coordinates import SkyCoord
from astropy.io import fits

from minisky import apogee, galah
from minisky.fits_table import read_layout
from minisky.footprints import galactic
from minisky.gaia import source_ids
from minisky.galaxy import asymmetry_shift
from minisky.settings import SkySettings, SystematicsSettings
from minisky.simulate_sky import read_settings, simulate
from minisky.sky import Sky, make_sky
from minisky.survey_columns import apogee_columns, galah_columns, vac_columns
from minisky.systematics import MEAN, SCATTER
from spectrotranslator.errors import InputError

TINY = {"name": "tiny", "n_galah": 700, "n_apogee": 800, "n_common": 450}
PAIRS = {
    "teff": ("teff", "TEFF"),
    "logg": ("logg", "LOGG"),
    "fe_h": ("fe_h", "M_H"),
    "mg_fe": ("Mg_fe", "MG_FE"),
    "velocity": ("rv_galah", "VHELIO_AVG"),
}


@cache
def sky_of(seed: int = 1, **settings) -> Sky:
    return make_sky(SkySettings(name="test", seed=seed, **settings))


def sky_of_settings(**settings) -> Sky:
    """The default sky with other settings, given as a configuration has them."""
    return make_sky(SkySettings.model_validate({"name": "test", **settings}))


@cache
def tiny() -> Sky:
    return make_sky(SkySettings(**TINY))


def clean_overlap(sky: Sky) -> pd.DataFrame:
    """Stars that pass the surveys' advice in both, matched without any of the package's code."""
    south, north = pd.DataFrame(sky.galah), pd.DataFrame(sky.apogee)
    south = south[(south.flag_sp == 0) & (south.flag_fe_h == 0) & (south.flag_Mg_fe == 0)]
    south = south[(south.snr_c3_iraf > 30) & (south.source_id > 0)]
    north = north[((north.ASPCAPFLAG & 1 << 23) == 0) & (north.STARFLAG == 0)]
    north = north[((north.EXTRATARG & 16) == 0) & (north.MG_FE_FLAG == 0) & (north.SNR > 70)]
    north = north[north.source_id > 0]
    south = south.sort_values("snr_c3_iraf").drop_duplicates("source_id", keep="last")
    north = north.sort_values("SNR").drop_duplicates("source_id", keep="last")
    both = south.merge(north, on="source_id")
    return both[(both[[name for pair in PAIRS.values() for name in pair]] > -9999).all(axis=1)]


def test_over_ten_seeds_the_overlap_has_the_published_scatter_and_means():
    for seed in range(10):
        both = clean_overlap(sky_of(seed))
        assert len(both) > 2500
        for label, (south, north) in PAIRS.items():
            difference = both[south] - both[north]
            assert difference.std() == pytest.approx(SCATTER[label], rel=0.1), (seed, label)
            error = difference.std() / np.sqrt(len(difference))
            assert difference.mean() == pytest.approx(MEAN[label], abs=3 * error), (seed, label)


def test_velocity_offset_follows_gravitational_redshift_dwarfs_against_giants():
    both = clean_overlap(sky_of())
    difference = both["rv_galah"] - both["VHELIO_AVG"]
    assert difference[both["LOGG"] > 4].median() == pytest.approx(-0.6, abs=0.1)
    assert difference[both["LOGG"] < 2.5].median() == pytest.approx(0, abs=0.1)


def test_another_seed_of_systematics_is_another_pair_of_surveys_over_the_same_galaxy():
    one = sky_of()
    other = sky_of(systematics=SystematicsSettings(seed=8))
    np.testing.assert_array_equal(one.stars["teff"], other.stars["teff"])
    assert not np.allclose(one.galah["teff"], other.galah["teff"], equal_nan=True)


def test_without_systematics_the_overlap_scatters_by_the_stated_errors():
    honest = {"logg": 1, "velocity": 1}
    sky = sky_of_settings(
        systematics={"strength": 0, "offset": False, "redshift": False}, stated_errors_galah=honest
    )
    both = clean_overlap(sky)
    for label in ("teff", "logg", "fe_h", "mg_fe"):
        south, north = PAIRS[label]
        error = np.hypot(both[f"e_{south}"], both[f"{north}_ERR"])
        pull = (both[south] - both[north]) / error
        assert pull.std() == pytest.approx(1, abs=0.05), label
        assert abs(pull.mean()) < 4 / np.sqrt(len(both)), label


def test_stated_errors_are_the_true_ones_times_their_factor():
    plain, doubled = sky_of(), sky_of_settings(stated_errors_apogee={"teff": 2})
    np.testing.assert_array_equal(plain.apogee["TEFF"], doubled.apogee["TEFF"])
    known = plain.apogee["TEFF_ERR"] > 0
    ratio = doubled.apogee["TEFF_ERR"][known] / plain.apogee["TEFF_ERR"][known]
    np.testing.assert_allclose(ratio, 2)
    np.testing.assert_array_equal(plain.apogee["LOGG_ERR"], doubled.apogee["LOGG_ERR"])


CLUSTER = {
    "name": "a", "stars": 60, "ra": 120.0, "dec": -61.0, "distance": 1.9, "velocity": 23.0,
    "fe_h": 0.1, "mg_fe": 0.02,
}  # fmt: skip


def test_a_cluster_is_one_place_motion_and_composition_in_both_surveys():
    sky = sky_of_settings(clusters=[CLUSTER, CLUSTER | {"name": "b", "dispersion_velocity": 5}])
    members = sky.members
    assert members.groupby("cluster").size().to_dict() == {"a": 60, "b": 60}
    star = pd.Index(sky.gaia["source_id"]).get_indexer(members["source_id"])
    for name, value in (("fe_h", 0.1), ("mg_fe", 0.02), ("distance", 1.9)):
        assert (sky.stars[name][star] == value).all()
    assert (sky.stars["vlos"][star[:60]] == 23).all()
    assert sky.stars["vlos"][star[60:]].std() == pytest.approx(5, rel=0.3)
    assert np.isin(star, sky.galah["star"]).all()
    assert np.isin(star, sky.apogee["star"]).all()
    good = clean_overlap(sky).source_id
    assert (
        members.assign(good=members.source_id.isin(good)).groupby("cluster").good.sum() > 30
    ).all()


def test_a_cluster_too_far_to_be_seen_is_refused_by_name():
    with pytest.raises(InputError, match=r"sky\.clusters, a: 0 of"):
        sky_of_settings(clusters=[CLUSTER | {"distance": 40.0}])


@pytest.mark.parametrize("name", ["tiny", "mini"])
def test_stored_members_are_those_of_the_sky(name):
    folder = Path(__file__).parents[2] / "config" / "skies" / name
    sky = make_sky(read_settings(folder / "sky.yaml"))
    assert (folder / "clusters.csv").read_text() == sky.members.to_csv(index=False)


def test_asymmetry_shifts_the_north_up_at_large_radii_and_can_be_off():
    r, z = np.array([8.0, 14.0, 14.0]), np.array([1.0, 1.0, -1.0])
    np.testing.assert_allclose(asymmetry_shift(0.1, r, z), [0, 0.05, -0.05], atol=1e-3)
    on, off = sky_of().stars, sky_of(asymmetry=0.0).stars
    difference = on["fe_h"] - off["fe_h"]
    far = (on["r"] > 12) & (on["z"] > 0.5)
    assert difference[far] == pytest.approx(0.05, abs=1e-3)
    assert difference[on["r"] < 10] == pytest.approx(0, abs=1e-12)
    np.testing.assert_allclose(on["mg_fe"] - off["mg_fe"], -0.5 * difference, atol=1e-12)


def test_surveys_look_where_the_real_ones_do():
    sky = sky_of()
    ra, dec = (sky.stars[name][sky.galah["star"]] for name in ("ra", "dec"))
    assert dec.max() < 10.5
    assert np.abs(galactic(ra, dec)[1]).min() > 9.5
    assert sky.stars["dec"][sky.apogee["star"]].max() > 40
    assert set(sky.apogee["TELESCOPE"]) == {"apo25m", "lco25m", "apo1m"}


def test_galactic_coordinates_are_those_of_astropy():
    ra, dec = np.array([0.0, 123.4, 266.4]), np.array([-89.0, 45.6, -28.9])
    theirs = SkyCoord(ra, dec, unit="deg").galactic
    l, b = galactic(ra, dec)  # noqa: E741
    np.testing.assert_allclose(l, theirs.l.deg, atol=1e-4)
    np.testing.assert_allclose(b, theirs.b.deg, atol=1e-4)


def test_every_flag_bit_is_in_use_even_in_the_tiny_sky():
    south, north = tiny().galah, tiny().apogee
    for values, bits in (
        (south["flag_sp"], galah.FLAG_SP),
        (south["flag_fe_h"], galah.FLAG_FE_H),
        (south["flag_Mg_fe"], galah.FLAG_MG_FE),
        (north["ASPCAPFLAG"], apogee.ASPCAPFLAG),
        (north["STARFLAG"], apogee.STARFLAG),
        (north["MG_FE_FLAG"], apogee.MG_FE_FLAG),
        (north["EXTRATARG"], (1, 2, 4, 8, 16)),
    ):
        used = np.bitwise_or.reduce(values)
        assert all(used & bit for bit in bits)


def test_catalogues_have_every_fault_of_real_ones():
    south, north = pd.DataFrame(tiny().galah), pd.DataFrame(tiny().apogee)
    assert {0, -9999} <= set(south.source_id)
    assert 0 in set(north.source_id)
    labels = (["teff", "logg", "fe_h", "Mg_fe"], ["TEFF", "LOGG", "M_H", "MG_FE"])
    for table, names, error in ((south, labels[0], "e_{}"), (north, labels[1], "{}_ERR")):
        values = table[names]
        errors = table[[error.format(name) for name in names]].set_axis(names, axis=1)
        assert values.isna().any(axis=None)
        assert (values == -9999).any(axis=None)
        assert (values.notna() & errors.isna()).any(axis=None)
    assert south.source_id[south.source_id > 0].duplicated().any()
    assert north.APOGEE_ID.str.len().max() == 30
    assert (tiny().archive["BPmag"].isna()).any()
    assert (tiny().stars["teff"] > 9000).any()


def test_duplicates_are_marked_except_the_best_row_of_an_identifier():
    north = pd.DataFrame(tiny().apogee)
    assert not north.duplicated(["APOGEE_ID", "TELESCOPE", "FIELD"]).any()
    best = north[(north.EXTRATARG & 16) == 0]
    assert not best.APOGEE_ID.duplicated().any()
    known = best[best.source_id > 0]
    assert known.source_id.duplicated().any(), "one star under two identifiers is part of the dirt"


def test_value_added_table_has_more_spectra_and_joins_on_sobject_id():
    main, vac = galah_columns(tiny()), vac_columns(tiny())
    assert len(vac["sobject_id"]) > len(main["sobject_id"])
    assert np.isin(main["sobject_id"], vac["sobject_id"]).all()
    assert (np.diff(main["sobject_id"]) > 0).all()
    assert len(str(main["sobject_id"].max())) == 15
    where = np.searchsorted(vac["sobject_id"], main["sobject_id"])
    np.testing.assert_array_equal(vac["dr3_source_id"][where], main["dr3_source_id"])


def test_dr3_magnitudes_differ_from_edr3_only_for_six_parameter_sources():
    sky = tiny()
    archive = sky.archive.set_index("Source")
    edr3 = pd.Series(sky.gaia["g"], sky.gaia["source_id"]).reindex(archive.index)
    differs = (archive["Gmag"] - edr3).abs() > 1e-5
    assert differs.any()
    assert set(archive["Solved"][differs]) == {95}


def files(folder):
    names = ("galah", "vac", "apogee", "gaia", "truth", "clusters")
    return {name: folder / f"{name}.out" for name in names}


@pytest.mark.parametrize("wide", [False, True])
def test_files_have_the_real_columns_types_and_units_and_the_same_bytes_twice(tmp_path, wide):
    settings = SkySettings(**TINY | {"n_galah": 200, "n_apogee": 300, "n_common": 90, "wide": wide})
    first, second = files(tmp_path / "a"), files(tmp_path / "b")
    simulate(settings, **first)
    simulate(settings, **second)
    for name, path in first.items():
        assert path.read_bytes() == second[name].read_bytes()
    for name, layout in (("galah", "galah"), ("vac", "vac"), ("apogee", "apogee")):
        with fits.open(first[name]) as hdus:
            hdus.verify("exception")
            real = {column.name: column for column in read_layout(layout)}
            columns = hdus[1].columns
            assert not wide or list(columns.names) == list(real)
            assert not {"DATE", "CHECKSUM"} & set(hdus[1].header)
            for column in columns:
                assert column.format == real[column.name].form
                assert (column.unit or "") == real[column.name].unit


def test_file_holds_what_the_sky_holds(tmp_path):
    paths = files(tmp_path)
    simulate(SkySettings(**TINY), **paths)
    known = apogee_columns(tiny())
    with fits.open(paths["apogee"]) as hdus:
        data = hdus[1].data
        np.testing.assert_array_equal(data["GAIAEDR3_SOURCE_ID"], known["GAIAEDR3_SOURCE_ID"])
        np.testing.assert_array_equal(data["APOGEE_ID"], known["APOGEE_ID"])
        np.testing.assert_array_equal(data["TEFF"], known["TEFF"].astype(np.float32))
    truth = pd.read_parquet(paths["truth"])
    assert len(truth) == tiny().stars["teff"].size
    assert not any("truth" in path.name for path in tmp_path.iterdir() if path != paths["truth"])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("runs: 1", "sky:"),
        ("sky: {name: x, n_galahs: 3}", "n_galahs"),
        ("sky: {name: x, n_common: 100000}", "n_common"),
        ("sky: {name: x, published: {members: 3}}", "members"),
        ("sky: {name: x, published: {widths: [16, 20]}}", "twice"),
        ("sky: {name: x, clusters: [{name: ../x}]}", "clusters.0.name"),
        ("sky: {name: x, stated_errors_galah: {teff: 0}}", "stated_errors_galah.teff"),
        ("sky: [", "YAML"),
    ],
)
def test_bad_settings_are_refused_in_one_line_that_names_them(tmp_path, content, words):
    path = tmp_path / "run.yaml"
    path.write_text(content)
    with pytest.raises(InputError, match=words):
        read_settings(path)


def test_settings_survive_yaml_and_every_field_is_described(tmp_path):
    settings = SkySettings(name="x")
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump({"sky": settings.model_dump(mode="json")}))
    assert read_settings(path) == settings
    for definition in SkySettings.model_json_schema()["$defs"].values():
        assert all("description" in field for field in definition["properties"].values())


def test_no_simulated_gaia_identifier_is_one_that_gaia_gives():
    ids = source_ids(3, 20_000)
    beyond = ids >= 12 * 4**12 << 35  # HEALPix of order 12 in the bits from 35 on
    assert (beyond | (ids < 4295806720)).all()
    assert 0 < (~beyond).sum() < 100
    assert len(set(ids.tolist())) == len(ids)
