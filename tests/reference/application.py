"""The application step of the as-published method, one star and one step at a time, in doubles.

No array trick, no torch, no import from the package: what the engine computes in bulk must equal
what these loops say.

A network is a list of layers, in the order of the forward pass:

- ``("linear", W, b)`` with ``W`` (n_out, n_in) and ``b`` (n_out,);
- ``("block", v1, g1, b1, v2, g2, b2)``, a residual block of two weight-normalised layers with
  directions ``v`` (width, width; a row a unit), lengths ``g`` (width,), shifts ``b`` (width,).

A scaler is a dictionary with ``mean_in``, ``std_in``, ``mean_out``, ``std_out``.
"""

import math
from itertools import combinations

PERCENTILES = (5, 16, 50, 84, 95)
CELLS = 30


def linear(weights, shifts, x):
    """``W x + b`` of one star."""
    return [
        sum(weight * value for weight, value in zip(row, x, strict=True)) + shift
        for row, shift in zip(weights, shifts, strict=True)
    ]


def normed_linear(directions, lengths, shifts, x):
    """``g (v x) / |v| + b`` of one star."""
    result = []
    for row, length, shift in zip(directions, lengths, shifts, strict=True):
        norm = math.sqrt(sum(value * value for value in row))
        projection = sum(weight * value for weight, value in zip(row, x, strict=True))
        result.append(length * projection / norm + shift)
    return result


def relu(x):
    """The positive parts."""
    return [max(value, 0.0) for value in x]


def residual_block(layer, x):
    """``x + W2 relu(W1 relu(x))`` of one star (no dropout when networks are applied)."""
    _, v1, g1, b1, v2, g2, b2 = layer
    hidden = normed_linear(v1, g1, b1, relu(x))
    change = normed_linear(v2, g2, b2, relu(hidden))
    return [value + step for value, step in zip(x, change, strict=True)]


def forward(layers, x):
    """Standardised outputs of one star: its first inputs (one output: its last) plus a correction.

    Parameters
    ----------
    layers : list of tuple
        The network, as the module says.
    x : list of float
        Standardised inputs (n_in,).
    """
    value = list(x)
    for layer in layers:
        if layer[0] == "linear":
            value = linear(layer[1], layer[2], value)
        else:
            value = residual_block(layer, value)
    start = x[-1:] if len(value) == 1 else x[: len(value)]
    return [begin + correction for begin, correction in zip(start, value, strict=True)]


def standardise(values, mean, std):
    """Standardised values of one star; what is not finite becomes 0, the training mean."""
    result = []
    for value, centre, width in zip(values, mean, std, strict=True):
        scaled = (value - centre) / width
        result.append(scaled if math.isfinite(scaled) else 0.0)
    return result


def predict(layers, scaler, values):
    """One network's outputs (physical units) of one star."""
    x = standardise(values, scaler["mean_in"], scaler["std_in"])
    outputs = forward(layers, x)
    return [
        output * width + centre
        for output, centre, width in zip(
            outputs, scaler["mean_out"], scaler["std_out"], strict=True
        )
    ]


def trimmed(values):
    """Mean and standard deviation (ddof 0) of the members, the lowest and the highest left out."""
    kept = sorted(values)[1:-1]
    mean = sum(kept) / len(kept)
    return mean, math.sqrt(sum((value - mean) ** 2 for value in kept) / len(kept))


def ensemble(members, scaler, values):
    """Trimmed means and spreads, one per output, of one star."""
    answers = [predict(layers, scaler, values) for layers in members]
    pairs = [trimmed([answer[k] for answer in answers]) for k in range(len(answers[0]))]
    return [mean for mean, _ in pairs], [spread for _, spread in pairs]


def percentile(values, q):
    """Percentile ``q`` by linear interpolation between order statistics."""
    ordered = sorted(values)
    position = q / 100 * (len(ordered) - 1)
    below = min(int(position), len(ordered) - 2)
    part = position - below
    return ordered[below] + part * (ordered[below + 1] - ordered[below])


def grid(low, high):
    """The 31 edges between which training rows are counted, as ``numpy.linspace`` has them."""
    step = (high - low) / CELLS
    return [low + k * step for k in range(CELLS)] + [high]


def rebuilt(edges):
    """The 31 edges between which rows are looked up, from the centres of the cells of ``edges``."""
    half_width = (edges[1] - edges[0]) / 2
    centres = [edge + half_width for edge in edges[:-1]]
    half_step = (centres[1] - centres[0]) / 2
    return [centre - half_step for centre in centres] + [centres[-1] + half_step]


def cell(value, edges):
    """The cell (0 to 29) that holds ``value``, or None; one on an edge is in the upper cell."""
    for k in range(CELLS):
        if edges[k] <= value < edges[k + 1]:
            return k
    return None


def training_map(first, second):
    """The valid cells of a pair of features: those holding a training row.

    The largest value counts into the last cell (as numpy's histogram has it).
    """
    high = max(first), max(second)
    edges = [grid(min(side), top) for side, top in zip((first, second), high, strict=True)]
    valid = set()
    for pair in zip(first, second, strict=True):
        valid.add(
            tuple(
                CELLS - 1 if value == top else cell(value, own)
                for value, top, own in zip(pair, high, edges, strict=True)
            )
        )
    return valid


def prepare(train):
    """For every pair of features its valid cells and the edges between which rows are looked up.

    Parameters
    ----------
    train : list of list of float
        Training rows, physical units.
    """
    columns = list(zip(*train, strict=True))
    edges = [rebuilt(grid(min(column), max(column))) for column in columns]
    return [
        (i, j, training_map(columns[i], columns[j]), edges[i], edges[j])
        for i, j in combinations(range(len(columns)), 2)
    ]


def failing(train, values):
    """The pairs (i, j) of features in which one star falls in no valid cell, in order.

    Parameters
    ----------
    train : list of list of float
        Training rows, physical units.
    values : list of float
        The star's features; a missing one fails every pair it is in.
    """
    return failing_in(prepare(train), values)


def failing_in(maps, values):
    """As ``failing``, with the maps that ``prepare`` made."""
    return [
        (i, j)
        for i, j, valid, edges_i, edges_j in maps
        if (cell(values[i], edges_i), cell(values[j], edges_j)) not in valid
    ]


def comment(names_in, names_out, intrinsic_in, intrinsic_out, extrinsic_in):
    """The quality comment of one star from its failing pairs (indices into the names).

    After each network a comment that is not empty so far is closed with a bar.
    """
    first = [f"| Input {names_in[i]}_{names_in[j]} outside training range" for i, j in intrinsic_in]
    first += [
        f"| Output {names_out[i]}_{names_out[j]} outside training range" for i, j in intrinsic_out
    ]
    second = [
        f"| Input {names_in[i]}_{names_in[j]} outside training range" for i, j in extrinsic_in
    ]
    text = ""
    for part in (first, second):
        text += "".join(part)
        if text:
            text += "|"
    return text


def translate(star, errors, draws, intrinsic, extrinsic, names_in, names_out):
    """One star's row of the catalogue.

    Parameters
    ----------
    star, errors : list of float
        The seven inputs and their errors: four labels, two colours, the velocity.
    draws : list of list of float
        Standard normal numbers, one list of seven for each realisation but the first.
    intrinsic, extrinsic : dict
        ``members`` (list of networks), ``scaler``, ``train_inputs`` and ``train_outputs`` (rows).
    names_in, names_out : list of str
        Names of the seven inputs and of the four outputs, as comments have them.

    Returns
    -------
    dict
        ``percentiles`` (five outputs by five percentiles), ``systematic`` (five),
        ``missing_intrinsic``, ``missing_extrinsic``, ``good_inputs_intrinsic``,
        ``good_outputs_intrinsic``, ``good_inputs_extrinsic``, ``comment``.
    """
    realisations = []
    systematic = []
    for number in range(len(draws) + 1):
        noise = draws[number - 1] if number else [0.0] * len(star)
        noisy = star
        if number:
            noisy = [x + e * z for x, e, z in zip(star, errors, noise, strict=True)]
        labels, spread = ensemble(intrinsic["members"], intrinsic["scaler"], noisy[:6])
        velocity, velocity_spread = ensemble(extrinsic["members"], extrinsic["scaler"], noisy)
        realisations.append(labels + velocity)
        if number == 0:
            systematic = spread + velocity_spread
    table = [
        [percentile([one[k] for one in realisations], q) for q in PERCENTILES] for k in range(5)
    ]
    median = [row[2] for row in table[:4]]
    intrinsic_in = failing(intrinsic["train_inputs"], star[:6])
    intrinsic_out = failing(intrinsic["train_outputs"], median)
    extrinsic_in = failing(extrinsic["train_inputs"], star)
    return {
        "percentiles": table,
        "systematic": systematic,
        "missing_intrinsic": not all(map(math.isfinite, star[:6])),
        "missing_extrinsic": not all(map(math.isfinite, star)),
        "good_inputs_intrinsic": not intrinsic_in,
        "good_outputs_intrinsic": not intrinsic_out,
        "good_inputs_extrinsic": not extrinsic_in,
        "comment": comment(names_in, names_out, intrinsic_in, intrinsic_out, extrinsic_in),
    }
