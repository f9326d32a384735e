# From files to stars, and from two surveys' stars to training samples.


localrules:
    build_ledger,


rule read_survey:
    input:
        files=RUN.survey_files,
        layouts=RUN.layouts_of_survey,
    output:
        rows=f"{RESULTS}/sample/{{survey}}.rows.parquet",
        record=record_of("read_survey-{survey}"),
    log:
        log_of("read_survey-{survey}"),
    benchmark:
        benchmark_of("read_survey-{survey}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("read_survey"),
    params:
        **RUN.step("spectrotranslator.surveys.read_survey"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule prepare_stars:
    input:
        rows=rules.read_survey.output.rows,
        photometry=(
            [f"{RESULTS}/sources/gaia.parquet"] if RUN.photometry_services else []
        ),
        published=RUN.published_rows,
        layouts=RUN.published_layouts,
    output:
        stars=f"{RESULTS}/sample/{{survey}}.parquet",
        record=record_of("prepare_stars-{survey}"),
    log:
        log_of("prepare_stars-{survey}"),
    benchmark:
        benchmark_of("prepare_stars-{survey}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("prepare_stars"),
    params:
        **RUN.step("spectrotranslator.surveys.prepare_stars"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule crossmatch:
    input:
        origin=RUN.stars("origin"),
        target=RUN.stars("target"),
        authors=RUN.authors_file,
        fingerprint=RUN.selection_told,
    output:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        ledger=f"{RESULTS}/sample/ledger/{{direction}}-{{kind}}.json",
        record=record_of("crossmatch-{direction}-{kind}"),
    log:
        log_of("crossmatch-{direction}-{kind}"),
    benchmark:
        benchmark_of("crossmatch-{direction}-{kind}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("crossmatch"),
    params:
        **RUN.step("spectrotranslator.sample.crossmatch"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule build_ledger:
    input:
        parts=RUN.ledgers,
        stars=expand(rules.prepare_stars.output.stars, survey=CONFIGURATION.surveys),
        rows=expand(rules.read_survey.output.rows, survey=RUN.copied_and_read),
        vizier=[RUN.vizier_copy(name) for name in RUN.copied_and_read],
    output:
        ledger=f"{RESULTS}/sample/ledger.json",
        record=record_of("build_ledger"),
    log:
        log_of("build_ledger"),
    benchmark:
        benchmark_of("build_ledger")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.sample.build_ledger"),
    shell:
        "{params.command} > {log:q} 2>&1"
