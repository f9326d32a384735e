"""What the figure across the plane says of its errors is what was done."""

import numpy as np
import pandas as pd

from spectrotranslator.evaluation.asymmetry import WHEN, Asymmetry
from spectrotranslator.report import plot_asymmetry


def test_the_caption_says_that_fields_are_drawn():
    numbers = pd.DataFrame({name: [0.0] for name in ("R", "low", "high", "difference", "error")})
    nothing = dict.fromkeys([(when, "M_H") for when in WHEN])
    found = Asymmetry(numbers.assign(when=WHEN[0], label="M_H"), nothing, np.ones((1, 1)))
    caption = plot_asymmetry.draw("method", "base", found, ["M_H"]).caption
    assert "from a bootstrap of whole fields of the sky" in caption
    assert "star bootstrap" not in caption
