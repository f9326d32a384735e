"""Cuts: what holds, what is refused, and that nothing in them acts."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from spectrotranslator.errors import InputError
from spectrotranslator.expressions import compile_cut

ROOT = Path(__file__).parents[2]
BITS = {"FLAG": {"STAR_BAD": 23, "STAR_WARN": 7, "SIGN": 63}, "A FLAG": {"BAD": 0}}
SIMULATED = (
    "flag_Mg_fe == 0",
    "snr_c3_iraf > 30",
    "(EXTRATARG // 16) % 2 == 0",
    "dr3_source_id > 0",
    "(ASPCAPFLAG // 8388608) % 2 == 0 or TEFF == TEFF or LOGG == LOGG or M_H == M_H",
)


def strings(value, keys=("cut", "expression")):
    """Every text below a key that holds a condition."""
    if isinstance(value, dict):
        for key, below in value.items():
            if key in keys and isinstance(below, str):
                yield below
            yield from strings(below)
    elif isinstance(value, list):
        for below in value:
            yield from strings(below)


def configured() -> list[str]:
    files = sorted((ROOT / "config").rglob("*.yaml"))
    found = {text for file in files for text in strings(yaml.safe_load(file.read_text()))}
    # `rows: published` is a word for the published file's rows, no condition on columns.
    return sorted((found | set(SIMULATED)) - {"published"})


CONFIGURED = configured()


def table(columns, seed: int, kind: str) -> pd.DataFrame:
    """Random numbers near what the cuts ask for, with gaps where ``kind`` can have them."""
    chance = np.random.default_rng(seed)
    whole = chance.choice([-1, 0, 1, 16, 31, 69, 71, 101, 1 << 23, (1 << 24) + 16], (60, 40))
    frame = {}
    for number, name in enumerate(sorted(columns)):
        values = pd.Series(whole[:, number])
        gaps = chance.random(60) < 0.25
        if kind == "Int64":
            frame[name] = values.astype("Int64").mask(gaps)
        elif kind == "int64":
            frame[name] = values
        else:
            frame[name] = (values + chance.choice([0, 0.5], 60)).astype(kind).mask(gaps)
    return pd.DataFrame(frame)


def by_pandas(frame: pd.DataFrame, text: str) -> list[bool]:
    with np.errstate(all="ignore"):
        return frame.eval(text, engine="python").fillna(False).astype(bool).tolist()


def holds(text: str, **columns) -> list[bool]:
    return compile_cut(text, BITS).evaluate(pd.DataFrame(columns)).tolist()


def refusal(text, frame=None) -> str:
    with pytest.raises(InputError) as caught:
        compile_cut(text, BITS).evaluate(FRAME if frame is None else frame)
    assert "\n" not in str(caught.value)
    assert str(caught.value).isprintable()
    return str(caught.value)


FRAME = pd.DataFrame(
    {
        "n": [0, 1, 2],
        "x": [1.0, np.nan, -3.0],
        "i": pd.array([1, None, 3], "Int64"),
        "b": [True, False, True],
        "s": ["a", None, "c"],
        "BP-G": [0.5, 1.5, np.nan],
        "FLAG": [1 << 23, 0, 1 << 7],
        "teff": [1.0, 2.0, 3.0],
    }
)


def test_the_configuration_has_cuts_to_compare():
    assert len(CONFIGURED) > 12


def named_bits() -> dict[str, dict[str, int]]:
    """The bits that the paper's surveys name."""
    surveys = yaml.safe_load((ROOT / "config" / "paper.yaml").read_text())["surveys"].values()
    return {column: bits for survey in surveys for column, bits in survey["bits"].items()}


def in_numbers(text: str, bits: dict[str, dict[str, int]]) -> str:
    """A cut with every named bit written as arithmetic, as pandas reads it."""
    for column, names in bits.items():
        for name, number in names.items():
            text = text.replace(f"not {column}.{name}", f"(({column} // {2**number}) % 2 == 0)")
            text = text.replace(f"{column}.{name}", f"(({column} // {2**number}) % 2 == 1)")
    return text


@pytest.mark.parametrize("kind", ["int64", "Int64", "float64", "float32"])
@pytest.mark.parametrize("text", CONFIGURED)
def test_every_configured_cut_equals_pandas(text, kind):
    bits = named_bits()
    if "." in text and kind.startswith("float"):
        pytest.skip("a mask of bits holds whole numbers")
    cut = compile_cut(text, bits)
    for seed in range(3):
        frame = table(cut.columns, seed, kind)
        assert cut.evaluate(frame).tolist() == by_pandas(frame, in_numbers(text, bits))


def test_the_paper_s_bits_are_those_the_surveys_document():
    bits = named_bits()
    assert bits["ASPCAPFLAG"] == {"STAR_BAD": 23}
    assert 1 << bits["EXTRATARG"]["DUPLICATE"] == 16
    documented = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]
    assert [1 << bit for bit in bits["flag_sp"].values()] == documented


GENERAL = (
    "1 < x <= 3",
    "not n == 1",
    "not (i == 1)",
    "i != 1 or x > 0",
    "i == i",
    "n / 0 > 1",
    "n // 0 == 0",
    "x in [1, 2]",
    "x not in [1]",
    "abs(x) > 2",
    "sqrt(x) >= 1",
    "x ** 2 - n * 3 > 0.5",
    "(n == 1) | (x > 0)",
    "~(n == 1) & (x < 0)",
    "b and n < 2",
    "s == 'a'",
    "s < 'b'",
    "`BP-G` == `BP-G`",
    "-n < 0",
    "n == 1 or n == 2 and x > 0",
)


@pytest.mark.parametrize("text", GENERAL)
def test_the_language_agrees_with_pandas(text):
    assert compile_cut(text).evaluate(FRAME).tolist() == by_pandas(FRAME, text)


WORTH = st.floats(-10, 10) | st.just(float("nan"))
TERMS = st.recursive(
    st.sampled_from(["x", "y", "n", "2", "0.5"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda t: f"({' '.join(t)})")
        | inner.map(lambda t: f"abs({t})")
    ),
    max_leaves=5,
)
COMPARISONS = st.tuples(TERMS, st.sampled_from(["<", "<=", "==", "!=", ">"]), TERMS).map(
    lambda t: f"x == x and {' '.join(t)}"
)


@settings(max_examples=60, deadline=None)
@given(COMPARISONS, st.lists(st.tuples(WORTH, WORTH), min_size=1, max_size=6))
def test_random_comparisons_agree_with_pandas(text, rows):
    frame = pd.DataFrame(rows, columns=["x", "y"], dtype=float).assign(n=np.arange(len(rows)))
    try:
        expected = by_pandas(frame, text)
    except Exception:  # pandas cannot evaluate comparisons of two constants
        return
    assert compile_cut(text).evaluate(frame).tolist() == expected


def test_the_result_is_one_truth_value_a_row():
    result = compile_cut("n > 0").evaluate(FRAME)
    assert result.dtype == bool
    assert result.shape == (3,)
    assert compile_cut("n > 0").evaluate(FRAME.iloc[:0]).shape == (0,)


def test_the_columns_of_a_cut_are_known():
    cut = compile_cut("abs(x) > 1 and `BP-G` < 'a' or FLAG.STAR_BAD", BITS)
    assert cut.columns == {"x", "BP-G", "FLAG"}


@pytest.mark.parametrize("text", ["i == 1", "i != 1", "not i == 1", "i in [1]", "i not in [1]"])
def test_a_missing_integer_fulfils_nothing(text):
    assert not compile_cut(text).evaluate(FRAME)[1]


@pytest.mark.parametrize("text", ["s == 'a'", "s != 'a'", "not s == 'a'", "s not in ['a']"])
def test_a_missing_text_fulfils_nothing(text):
    assert not compile_cut(text).evaluate(FRAME)[1]


@pytest.mark.parametrize("kind", ["object", "string", "category", "str"])
def test_texts_compare_in_every_kind_of_column(kind):
    cells = pd.Series(["apo25m", None, "lco25m"], dtype="object").astype(kind)
    assert holds("t == 'apo25m'", t=cells) == [True, False, False]
    assert holds("t in ['lco25m', 'x']", t=cells) == [False, False, True]


@pytest.mark.parametrize("text", ["e == 1", "e == 'a'", "not e", "e > 1 or e <= 1"])
@pytest.mark.parametrize("cells", [[None, None], [np.nan, np.nan]])
def test_a_column_without_values_fulfils_nothing(text, cells):
    assert holds(text, e=cells) == [False, False]


def test_truth_values_with_gaps_are_conditions():
    assert holds("v", v=[True, None, False]) == [True, False, False]
    assert holds("not v", v=pd.array([True, None, False], "boolean")) == [False, False, True]


@pytest.mark.parametrize("kind", ["int64", "uint64", "int32", "Int64", "float64"])
def test_named_bits_are_looked_up(kind):
    flags = pd.Series([1 << 23, 0, (1 << 23) | 1, 1 << 7]).astype(kind)
    assert holds("FLAG.STAR_BAD", FLAG=flags) == [True, False, True, False]
    assert holds("not FLAG.STAR_BAD", FLAG=flags) == [False, True, False, True]
    assert holds("`A FLAG`.BAD", **{"A FLAG": flags}) == [False, False, True, False]


def test_a_named_bit_of_a_gap_holds_neither_way():
    for flags in (pd.array([1 << 23, None], "Int64"), [float(1 << 23), np.nan]):
        assert holds("FLAG.STAR_BAD", FLAG=flags) == [True, False]
        assert holds("not FLAG.STAR_BAD", FLAG=flags) == [False, False]


def test_the_highest_bit_can_be_named():
    assert holds("FLAG.SIGN", FLAG=np.array([1 << 63, 1], np.uint64)) == [True, False]
    assert holds("FLAG.SIGN", FLAG=np.array([-1, 1], np.int64)) == [True, False]


def test_bits_of_what_is_not_whole_are_refused():
    assert "integers" in refusal("FLAG.STAR_BAD", pd.DataFrame({"FLAG": [1.5]}))
    assert "integers" in refusal("FLAG.STAR_BAD", pd.DataFrame({"FLAG": ["a"]}))


def test_integers_keep_all_their_digits():
    ids = [2**53 + 1, 2**53, 2**62 + 1]
    assert holds(f"id == {2**53 + 1}", id=ids) == [True, False, False]
    assert holds(f"id + 1 == {2**62 + 2}", id=ids) == [False, False, True]
    assert holds("id > 99999999999999999999", id=ids) == [False] * 3


def test_bit_masks_take_parentheses():
    assert holds("(FLAG & 128) == 0", FLAG=[128, 64]) == [False, True]
    assert holds("((FLAG | 1) & 3) != ~0", FLAG=[128, 64]) == [True, True]


BARE = {
    "FLAG & 16 == 0": 1,
    "n == 1 & x == 2": 6,
    "not n > 1 & b": 9,
    "b | b and b": 1,
    "b and b & b": 7,
    "1 < FLAG & 16 < 9": 5,
}


@pytest.mark.parametrize("text", BARE)
def test_bare_signs_of_bits_ask_for_parentheses(text):
    message = refusal(text)
    assert "write parentheses" in message
    assert f"at character {BARE[text]};" in message


POINTED = {
    "teff > @pd.x": ("'@'", 8),
    "teff > @pd.io.common.os.system('touch mark')": ("'@'", 8),
    "teff.to_csv('mark') == 1": ("teff.to_csv", 1),
    "teff.__class__ == 1": ("'__class__'", 6),
    "__import__('os').system('x') == 0": ("'__import__'", 1),
    "eval('1') == teff": ("eval", 1),
    "n > 1 and open('x')": ("open", 11),
    "abs.x(n) > 0": ("abs.x", 1),
    "abs(n).real > 0": ("abs(n).real", 1),
    "(n).real > 0": ("n", 1),
    "'a'.format(n) == s": ("'a'.format", 1),
    "'a'.join == s": ("'a'.join", 1),
    "n.`x y` > 0": ("n.", 1),
    "`abs`(n) > 0": ("`abs`", 1),
    "n[0] > 0": ("n[0]", 1),
    "[n for n in x]": ("'for'", 4),
    "lambda: n": ("'lambda'", 1),
    "n if b else n": ("'if'", 3),
    "(n := 1) > 0": ("':'", 4),
    "f'{n}' == s": ("'{n}'", 2),
    "b'a' == s": ("'a'", 2),
    "'a' 'b' == s": ("'b'", 5),
    "s == '''a'''": ("'a'", 8),
    "s == 'a\\x41'": ("'", 6),
    "abs(*n) > 0": ("*n", 5),
    "abs(n, n) > 0": ("abs(n, n)", 1),
    "abs() > 0": ("abs()", 1),
    "{n} == n": ("'{'", 1),
    "await n": ("'await'", 1),
    "yield n": ("'yield'", 1),
    "n is None": ("'is'", 3),
    "n == None": ("'None'", 6),
    "n = 1": ("'='", 3),
    "n; n": ("';'", 2),
    "n > 1 # all": ("'#'", 7),
    "n >": ("unexpected end", 4),
    "(n > 1": ("'('", 1),
    "n > 1)": ("')'", 6),
    "n 1": ("'1'", 3),
    "n > 0x10": ("'x10'", 6),
    "n > 1_000": ("'_000'", 6),
    "n > 1j": ("'j'", 6),
    "n > 1e999": ("not finite", 5),
    "n > 100000000000000000000": ("20 digits", 5),
    "n ** 11 > 0": ("exponent", 6),
    "n ** n > 0": ("exponent", 6),
    "9 ** 9 ** 9 > n": ("exponent", 6),
    "9 << 999 > n": ("9 << 999", 1),
    "n in s": ("list", 6),
    "n in [x]": ("'x'", 7),
    "n in [abs(1)]": ("abs(1)", 7),
    "FLAG.STAR_BED": ("nearest is 'STAR_BAD'", 1),
    "n.STAR_BAD": ("n.STAR_BAD", 1),
    "nﬁ > 0": ("'ﬁ'", 2),
    "n > 0\x1b[2K": ("'\\x1b'", 6),
    "n > 0 \u202e": ("'\\u202e'", 7),
    "not 3 == n and 'a' > n": ("text is compared", 22),
    "'%s' % n == s": ("number is expected", 1),
    "s * 1000000000 == s": ("number is expected", 1),
    "b + b == 2": ("number is expected", 1),
    "not n": ("condition is expected", 5),
    "b & n": ("condition is expected", 5),
    "99999999999999999999 ** 10 > n": ("20 digits", 1),
    "1 / 0 > n": ("zero", 1),
}


@pytest.mark.parametrize("text", POINTED)
def test_what_is_not_in_the_language_is_pointed_at(text):
    found, character = POINTED[text]
    message = refusal(text)
    assert message.startswith("cut ")
    assert found in message
    assert f" at character {character};" in message
    assert "a cut may use columns, numbers" in message


@pytest.mark.parametrize("text", ["n ** 10 * n > 0", "n * 9000000000000000000 > 0", "u - 1 > 0"])
def test_integers_that_overflow_are_refused(text):
    frame = pd.DataFrame({"n": [3_000_000], "u": np.array([0], np.uint64)})
    assert "64 bits" in refusal(text, frame)


@pytest.mark.parametrize("text", ["", "  ", "3 > 2", "'a' == 'a'", "n + 1", "s", "(n, n)", "True"])
def test_what_is_no_condition_on_columns_is_refused(text):
    assert refusal(text).startswith("cut ")


@pytest.mark.parametrize("text", [None, 3, ["n > 1"], b"n > 1"])
def test_a_cut_is_a_text(text):
    assert "a text is expected" in refusal(text)


def test_an_unknown_column_names_the_nearest():
    message = refusal("n > 0 and tef > 3")
    assert "unknown column 'tef' at character 11; the nearest is 'teff'" in message


def test_columns_of_other_kinds_are_refused():
    for cells in (pd.to_datetime(["2024-01-01"]), [b"a"], [[1]], [1 + 1j]):
        assert "neither numbers nor texts" in refusal("c == 1", pd.DataFrame({"c": cells}))
    twice = pd.DataFrame([[1, 2]], columns=["c", "c"])
    assert "neither numbers nor texts" in refusal("c == 1", twice)


BOMBS = [
    "(" * 1000 + "n" + ")" * 999,
    "[" * 2000,
    "~" * 1999 + "b",
    "-" * 1999 + "n",
    "not " * 499 + "b",
    "n+" * 999 + "n",
    "n<" * 999 + "n",
    "n>0 and " * 240 + "b",
    "9" * 2000,
    "n" * 2001,
    "`" * 2000,
    "'" * 1999,
    "(99999 ** 10) ** 10 > n",
    "1e300 ** 10 > n",
]


@pytest.mark.parametrize("text", BOMBS, ids=range(len(BOMBS)))
def test_large_cuts_are_refused_in_one_short_line(text):
    assert len(refusal(text)) < 500


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text("nxbs()[]'\"`.@,<>=&|~*/%+-0123456789e ando\\", max_size=40))
def test_any_text_is_a_cut_or_one_line(text):
    try:
        result = compile_cut(text, BITS).evaluate(FRAME)
    except InputError as error:
        assert str(error).isprintable()
        assert len(str(error)) < 2000
    else:
        assert result.dtype == bool
        assert result.shape == (3,)


def test_positions_hold_in_spaces_and_other_scripts():
    assert "at character 9;" in refusal("  n > 0 @")
    assert "at character 14;" in refusal("s == 'üñ' or @")
    assert "at character 15;" in refusal("s == 'üñ' or (n[0] > 1)")
    assert holds("\n s == 'ü'\n or `ü` > 1 ", s=["ü", "a"], ü=[0, 2]) == [True, True]


AUDITED = """
import json, sys
import pandas as pd
from spectrotranslator.errors import InputError
from spectrotranslator.expressions import compile_cut

frame = pd.DataFrame({"n": [1], "x": [1.0], "b": [True], "s": ["a"], "teff": [1.0], "FLAG": [1]})

def attempt(text):
    try:
        compile_cut(text, {"FLAG": {"BAD": 1}}).evaluate(frame)
    except InputError:
        pass

texts = json.load(sys.stdin)
for text in ("n > 0 and s == 'a' or FLAG.BAD", "nn > 1", "n.x", "n + 1", "n @", "(n", "s > 1"):
    attempt(text)
seen = []

def hook(event, args):
    parsed = event == "compile" and args[1] == "<unknown>"
    if not parsed and not event.startswith(("object.__getattr__", "sys._getframe")):
        seen.append(event)

sys.addaudithook(hook)
for text in texts:
    attempt(text)
print(sorted(set(seen)))
"""


def test_hostile_cuts_trigger_no_event_of_the_system(tmp_path):
    mark = tmp_path / "mark"
    acting = [
        f"teff > @pd.io.common.os.system('touch {mark}')",
        f"__import__('os').system('touch {mark}') == teff",
        f"teff.to_csv('{mark}') == 1",
        f"open('{mark}', 'w') == teff",
        f"abs(open('{mark}', 'w')) > teff",
        f'eval(\'open("{mark}", "w")\') == teff',
        "teff.__class__.__mro__[1].__subclasses__() == 1",
        "().__class__.__base__ == teff",
        "abs.__self__.exec('1') == teff",
        "exec('1') or teff",
        "@__builtins__ == teff",
    ]
    texts = [*acting, *POINTED, *BARE, *BOMBS]
    done = subprocess.run(
        [sys.executable, "-c", AUDITED],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "workflow"), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[]\n"
    assert not list(tmp_path.iterdir())
