# Where the files lie that go from one rule to the next.


def fetched(source):
    return f"{RESULTS}/sources/{REGISTRY[source].file}"


def registered(*names):
    """What the table of sources says of them: whoever asks them hangs on it."""
    return repr([REGISTRY.get(name) for name in names])


def services_of_photometry():
    return ["gaia", *(mirror.source for mirror in PHOTOMETRY.mirrors)]


def vizier_copy(survey):
    return f"{RESULTS}/sources/{survey}.vizier.parquet"


def copied():
    """Surveys whose copy at VizieR is fetched."""
    if CONFIGURATION.sources.route == "files":
        return []
    return [name for name, survey in SURVEYS.items() if survey.vizier]


def beside_vizier():
    return copied() if CONFIGURATION.sources.route == "both" else []


def survey_files(wildcards):
    survey = SURVEYS[wildcards.survey]
    if survey.path:
        return [survey.path]
    if CONFIGURATION.sources.route == "vizier" and survey.vizier:
        return [vizier_copy(wildcards.survey)]
    return [
        fetched(source) for source in CONFIGURATION.sources.surveys[wildcards.survey]
    ]


def authors_file(kind):
    """The authors' own sample of one kind, where it is at hand."""
    authors = CONFIGURATION.sources.authors
    if authors is None or kind not in authors.files:
        return []
    source = REGISTRY[authors.files[kind]]
    if authors.folder:
        return [f"{authors.folder}/{source.file}"]
    return [fetched(source.name)] if source.urls else []


def fetched_files():
    """Names of all fetched files, Gaia's answer last."""
    surveys = [
        s
        for name in SURVEYS
        for s in CONFIGURATION.sources.surveys.get(name, [])
        if CONFIGURATION.sources.route != "vizier" or name not in copied()
    ]
    published = [DIRECTIONS[name].published for name in COMPARED]
    readme = [CONFIGURATION.sources.readme] if COMPARED else []
    files = [REGISTRY[source].file for source in [*surveys, *readme, *published]]
    authors = CONFIGURATION.sources.authors
    if authors and not authors.folder:
        given = [REGISTRY[source] for source in authors.files.values()]
        files += [source.file for source in given if source.urls]
    files += [f"{survey}.vizier.parquet" for survey in copied()]
    return files + (["gaia.parquet"] if PHOTOMETRY else [])


def sky_of_surveys():
    """The files a simulated archive serves; none for the real ones."""
    return SKY_FILES if CONFIGURATION.sky else []


def sky_behind(wildcards):
    """What must be there before a simulated archive can serve one file."""
    if not CONFIGURATION.sky:
        return []
    published = FILES[wildcards.file].name in (
        CONFIGURATION.sources.readme,
        *(DIRECTIONS[name].published for name in COMPARED),
    )
    return SKY_FILES + ([f"{PUBLISHED}/{wildcards.file}"] if published else [])


def shared_folder():
    folder = CONFIGURATION.sources.folder
    return f"--folder {quote(folder)}" if folder else ""


def lock_of_sources():
    """What a simulated sky serves changes with its settings: nothing to trust for ever."""
    lock = CONFIGURATION.sources.lock
    return f"--lock {quote(lock)}" if lock and not CONFIGURATION.sky else ""


def patience():
    """A resource, not a parameter: what is fetched does not hang on it."""
    given = SETTINGS["sources"]["patience"]
    return ",".join(f"{name}={value}" for name, value in given.items())


def marked_in(survey):
    """The direction whose rows are those of the published file, if the survey has one."""
    return [
        direction
        for direction in DIRECTIONS.values()
        if direction.origin == survey
        and direction.published
        and direction.catalogue
        and any(re.search(r"\bpublished\b", cut.cut) for cut in direction.rows)
    ][:1]


def stars_of(side):
    return lambda wildcards: (
        f"{RESULTS}/sample/{getattr(DIRECTIONS[wildcards.direction], side)}.parquet"
    )


def samples_of(wildcards):
    return [
        f"{RESULTS}/sample/{wildcards.direction}-{kind}.parquet"
        for kind in DIRECTIONS[wildcards.direction].networks
    ]


def members_of(method, direction, kind):
    folder = f"{RESULTS}/networks/{method}/{direction}/{kind}"
    members = range(CONFIGURATION.methods[method].ensemble.members)
    return [f"{folder}/member-{member}/weights.safetensors" for member in members]


def of_every_member(path):
    """The paths of all members; methods trained on a GPU have equally many."""
    members = next(iter(CONFIGURATION.methods.values())).ensemble.members
    return expand(path, member=range(members), allow_missing=True)


def apart(method):
    """How many members are trained at once where a method is judged."""
    members = CONFIGURATION.methods[method].ensemble.members
    return 1 if TOGETHER else min(members, CONFIGURATION.compute.processes)


def weights_of_kind(wildcards):
    return members_of(wildcards.method, wildcards.direction, wildcards.kind)


def weights_of_direction(wildcards):
    kinds = DIRECTIONS[wildcards.direction].networks
    return [
        path
        for kind in kinds
        for path in members_of(wildcards.method, wildcards.direction, kind)
    ]


def calibrated(method):
    """Whether a method's percentiles are calibrated on stars its members left out."""
    return CONFIGURATION.methods[method].montecarlo.intervals == "calibrated"


def calibrations_of(method, direction):
    kinds = DIRECTIONS[direction].networks if calibrated(method) else ()
    return [
        f"{RESULTS}/networks/{method}/{direction}/{kind}/calibration.json"
        for kind in kinds
    ]


def calibrations_of_direction(wildcards):
    return calibrations_of(wildcards.method, wildcards.direction)


def networks():
    """Every method, direction and kind."""
    return [
        (method, direction, kind)
        for method, direction in product(METHODS, DIRECTIONS)
        for kind in DIRECTIONS[direction].networks
    ]


def scores_of(method):
    return [
        f"{RESULTS}/networks/{m}/{direction}/{kind}/scores.json"
        for m, direction, kind in networks()
        if m == method
    ]


def catalogue_of(method, direction, suffix):
    return f"{RESULTS}/catalogues/{method}/{direction}.{suffix}"


def homogenised_catalogues():
    return [
        f"{RESULTS}/catalogues/{method}/homogenised_{base}.parquet"
        for method, base in product(METHODS, TO_BASE)
    ]


def descriptions_of(weights):
    """What lies beside the weights and is read with them."""
    return lambda wildcards: [
        path.replace("weights.safetensors", "training.json")
        for path in weights(wildcards)
    ]


def files_of_members(method, direction, kind):
    """Weights, description and history of every member of one network."""
    folders = [Path(path).parent for path in members_of(method, direction, kind)]
    names = ("weights.safetensors", "training.json", "history.csv")
    return [str(folder / name) for folder in folders for name in names]


def histories():
    files = [file for network in networks() for file in files_of_members(*network)]
    return [file for file in files if file.endswith("history.csv")]


def training_samples():
    return [f"{RESULTS}/sample/{Path(ledger).stem}.parquet" for ledger in ledgers()]


def importances():
    return [
        f"{RESULTS}/importance/{method}/{direction}-{kind}.json"
        for method, direction, kind in networks()
    ]


def evaluations():
    """Judged stars of every method, and the judgement of every direction."""
    stars = [
        f"{RESULTS}/evaluation/{method}/{direction}.parquet"
        for method, direction in product(METHODS, DIRECTIONS)
    ]
    return stars + [
        f"{RESULTS}/evaluation/{direction}.json" for direction in DIRECTIONS
    ]


def figure_files():
    return [
        f"{RESULTS}/figures/{name}.{suffix}"
        for name in figure_names(CONFIGURATION)
        for suffix in FIGURE_SUFFIXES
    ]


def graph_of_rules():
    """The figure that the page's own stage draws, from the records of all jobs before it."""
    return [f"{RESULTS}/figures/{RULES_FIGURE}.{suffix}" for suffix in FIGURE_SUFFIXES]


def in_report(path):
    """A figure as Snakemake's own report shows it; only the SVG goes there."""
    stem = Path(path).stem
    if not path.endswith(".svg"):
        return path
    what, *names = stem.split("-", 1)
    return report(
        path,
        caption=f"../report/{what}.rst",
        category=section(stem),
        labels={"figure": what, "of": names[0].replace("-", " ") if names else RUN},
    )


def translated_parts():
    """Translated rows of every method and direction, shard by shard."""
    return [
        f"{RESULTS}/catalogues/{method}/parts/{direction}-{i}-of-{SHARDS}.parquet"
        for method, direction in product(METHODS, DIRECTIONS)
        for i in range(1, SHARDS + 1)
    ]


def ledgers():
    return [
        f"{RESULTS}/sample/ledger/{direction}-{kind}.json"
        for direction, d in DIRECTIONS.items()
        for kind in d.networks
    ]


def fingerprint_of(direction):
    return f"{RESULTS}/fingerprint/{direction}.json"


def fingerprint_used(wildcards):
    """What a method waits for that takes its realisations from the published catalogue."""
    montecarlo = CONFIGURATION.methods[wildcards.method].montecarlo
    waits = montecarlo.realisations == FINGERPRINT
    return [fingerprint_of(wildcards.direction)] if waits else []


def tolerance_files():
    path = CONFIGURATION.comparison.tolerances
    return [path] if path else []


def layout_of(wildcards):
    path = DIRECTIONS[wildcards.direction].catalogue
    return [path] if path else []


def layouts():
    return {name: d.catalogue for name, d in DIRECTIONS.items() if d.catalogue}
