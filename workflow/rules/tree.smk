# The whole of a run: every job before the manifest, and every file the configuration asks for.


def jobs_before_the_manifest():
    """Names of all jobs whose records the manifest gathers."""
    jobs = [f"fetch-{file}" for file in fetched_files()]
    jobs += ["simulate-sky"] if CONFIGURATION.sky else []
    jobs += ["publish-sky"] if CONFIGURATION.sky and not STORED else []
    jobs += ["list-sources"] if jobs else []
    jobs += [f"{verb}-{survey}" for verb in ("read", "prepare") for survey in SURVEYS]
    jobs += [f"crossmatch-{Path(ledger).stem}" for ledger in ledgers()] + ["ledger"]
    for method, direction, kind in networks():
        name = f"{method}-{direction}-{kind}"
        members = len(members_of(method, direction, kind))
        alone = [f"train-{name}-{member}" for member in range(members)]
        jobs += [f"train-{name}"] if TOGETHER else alone
        jobs += [f"score-{name}", f"importance-{name}"]
        jobs += [f"widths-{name}"] if calibrated(method) else []
    for method, direction in product(METHODS, DIRECTIONS):
        name = f"{method}-{direction}"
        jobs += [f"translate-{name}-{i}-of-{SHARDS}" for i in range(1, SHARDS + 1)]
        jobs += [f"predict-{name}", f"assemble-{name}"] + (
            [f"write-{name}"] if direction in layouts() else []
        )
    jobs += [
        f"homogenise-{method}-{base}" for method, base in product(METHODS, TO_BASE)
    ]
    jobs += [f"describe-{method}" for method in METHODS if layouts()]
    jobs += [f"evaluate-{direction}" for direction in DIRECTIONS]
    jobs += [f"{verb}-{d}" for verb in ("fingerprint", "compare") for d in COMPARED]
    return [*jobs, "judge", "draw", "page"]


def files_about(jobs):
    """Record, log and benchmark of every job."""
    return [place(job) for job in jobs for place in (record_of, log_of, benchmark_of)]


def crate_files():
    names = (
        "ro-crate-metadata.json",
        "verify.py",
        "README.md",
        "Snakefile",
        "code.tar",
    )
    return [f"{RESULTS}/provenance/{name}" for name in names]


def tree_of_the_run():
    """Every file the configuration asks for; what is not named here is not made again."""
    jobs = [*jobs_before_the_manifest(), "crate"]
    sky = [*SKY_FILES, f"{SKY}/truth/truth.parquet"] if CONFIGURATION.sky else []
    receipts = [f"receipts/{file}.json" for file in fetched_files()]
    listed = [*fetched_files(), *receipts, "manifest.json"] if receipts else []
    stars = [
        f"{survey}{suffix}"
        for survey in SURVEYS
        for suffix in (".rows.parquet", ".parquet")
    ]
    parts = [
        f"parts/{d}-{i}-of-{SHARDS}.parquet"
        for d in DIRECTIONS
        for i in range(1, SHARDS + 1)
    ]
    tables = [f"{d}.{suffix}" for d in DIRECTIONS for suffix in ("parquet", "fits")]
    tables += [f"{d}.dat" for d in layouts()] + (["ReadMe"] if layouts() else [])
    return [
        *sky,
        *(f"{RESULTS}/sources/{file}" for file in listed),
        *(f"{RESULTS}/sample/{name}" for name in [*stars, "ledger.json"]),
        *ledgers(),
        *training_samples(),
        *(file for network in networks() for file in files_of_members(*network)),
        *(path for method in METHODS for path in scores_of(method)),
        *(path for m in METHODS for d in DIRECTIONS for path in calibrations_of(m, d)),
        *importances(),
        *evaluations(),
        *(
            f"{RESULTS}/catalogues/{m}/{file}"
            for m in METHODS
            for file in [*parts, *tables]
        ),
        *homogenised_catalogues(),
        *(fingerprint_of(direction) for direction in COMPARED),
        *(
            f"{RESULTS}/diff/{d}/{name}"
            for d in COMPARED
            for name in ("diff.json", "rows.parquet", "peculiar.parquet")
        ),
        f"{RESULTS}/verdict.json",
        f"{RESULTS}/figures/facts.json",
        *figure_files(),
        *graph_of_rules(),
        f"{RESULTS}/report/index.html",
        f"{RESULTS}/report/run.json",
        *crate_files(),
        f"{RESULTS}/provenance/manifest.json",
        log_of("manifest"),
        *files_about(jobs),
    ]
