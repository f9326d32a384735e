"""How a survey's values differ between two places they can be had from."""

import numpy as np
import pandas as pd


def differences(files: pd.DataFrame, vizier: pd.DataFrame, key: list[str]) -> dict:
    """Per shared column: rows that differ, the largest difference, and what only one has.

    Rows are matched on ``key``; a value missing in both is the same.
    """
    both = files.merge(vizier, on=key, suffixes=("_files", "_vizier"), validate="one_to_one")
    shared = [name for name in files if name in vizier and name not in key]
    columns = {}
    for name in shared:
        one, two = both[f"{name}_files"], both[f"{name}_vizier"]
        if pd.api.types.is_numeric_dtype(one) and pd.api.types.is_numeric_dtype(two):
            columns[name] = _numbers(one, two)
        else:
            unequal = one.astype(str).str.strip() != two.astype(str).str.strip()
            columns[name] = {"differ": int(unequal.sum())}
    return {
        "rows": {"both": len(both), "only_files": len(files) - len(both),
                 "only_vizier": len(vizier) - len(both)},
        "only_files": [name for name in files if name not in vizier],
        "columns": columns,
    }  # fmt: skip


def _numbers(one: pd.Series, two: pd.Series) -> dict:
    missing = one.isna().to_numpy(bool), two.isna().to_numpy(bool)
    there = ~missing[0] & ~missing[1]
    apart = _apart(one[there], two[there])
    return {
        "differ": int((apart > 0).sum()),
        "largest": float(apart.max(initial=0)),
        "median": float(np.median(apart[apart > 0])) if (apart > 0).any() else 0.0,
        "missing_in_files_only": int((missing[0] & ~missing[1]).sum()),
        "missing_in_vizier_only": int((missing[1] & ~missing[0]).sum()),
    }


def _apart(one: pd.Series, two: pd.Series) -> np.ndarray:
    """Distances, shape (rows,); integers are not rounded, for ids differ in their last digits."""
    if pd.api.types.is_integer_dtype(one) and pd.api.types.is_integer_dtype(two):
        first, second = one.to_numpy(np.int64), two.to_numpy(np.int64)
        return np.maximum(first, second).view(np.uint64) - np.minimum(first, second).view(np.uint64)
    return np.abs(one.to_numpy(np.float64) - two.to_numpy(np.float64))
