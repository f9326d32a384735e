# From files to stars, and from two surveys' stars to training samples.


localrules:
    build_ledger,


rule read_survey:
    input:
        files=survey_files,
    output:
        rows=f"{RESULTS}/sample/{{survey}}.rows.parquet",
        record=record_of("read-{survey}"),
    log:
        log_of("read-{survey}"),
    benchmark:
        benchmark_of("read-{survey}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("read_survey"),
        runtime=minutes_of("read_survey"),
        disk_mb=disk_of("read_survey"),
    params:
        config=RESOLVED,
        settings=settings_for("surveys.{survey}", "sources.route"),
        code=code_digest("surveys.measured"),
    shell:
        "python -m spectrotranslator.surveys.measured --config {params.config:q}"
        " --survey {wildcards.survey:q} --files {input.files:q} --rows {output.rows:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule prepare_stars:
    input:
        rows=rules.read_survey.output.rows,
        photometry=[f"{RESULTS}/sources/gaia.parquet"] if PHOTOMETRY else [],
        published=lambda wildcards: [
            fetched(direction.published) for direction in marked_in(wildcards.survey)
        ],
        layouts=lambda wildcards: [
            direction.catalogue for direction in marked_in(wildcards.survey)
        ],
    output:
        stars=f"{RESULTS}/sample/{{survey}}.parquet",
        record=record_of("prepare-{survey}"),
    log:
        log_of("prepare-{survey}"),
    benchmark:
        benchmark_of("prepare-{survey}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("prepare_stars"),
        runtime=minutes_of("prepare_stars"),
        disk_mb=disk_of("prepare_stars"),
    params:
        config=RESOLVED,
        settings=settings_for("surveys.{survey}"),
        code=code_digest("surveys.stars"),
        photometry=lambda wildcards, input: "--photometry" if input.photometry else "",
        marks=lambda wildcards, input: (
            f"--published {quoted(input.published)} --layouts {quoted(input.layouts)}"
            if input.published
            else ""
        ),
    shell:
        "python -m spectrotranslator.surveys.stars --config {params.config:q}"
        " --survey {wildcards.survey:q} --rows {input.rows:q}"
        " {params.photometry} {input.photometry:q} {params.marks} --stars {output.stars:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule crossmatch:
    input:
        origin=stars_of("origin"),
        target=stars_of("target"),
        authors=lambda wildcards: authors_file(wildcards.kind),
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
        mem_mb=memory_of("crossmatch"),
        runtime=minutes_of("crossmatch"),
        disk_mb=disk_of("crossmatch"),
    params:
        config=RESOLVED,
        settings=settings_for(
            "surveys",
            "selections",
            "selection",
            "match",
            "crossmatch",
            "training_sample",
            "sources.authors",
            "split",
            "directions.{direction}",
        ),
        code=code_digest("sample.crossmatch"),
        authors=lambda wildcards, input: "--authors" if input.authors else "",
    shell:
        "python -m spectrotranslator.sample.crossmatch --config {params.config:q}"
        " --direction {wildcards.direction:q} --kind {wildcards.kind:q}"
        " --origin {input.origin:q} --target {input.target:q}"
        " {params.authors} {input.authors:q}"
        " --sample {output.sample:q} --ledger {output.ledger:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule build_ledger:
    input:
        parts=ledgers(),
        stars=expand(rules.prepare_stars.output.stars, survey=SURVEYS),
        rows=[
            path
            for name in beside_vizier()
            for path in expand(rules.read_survey.output.rows, survey=name)
        ],
        vizier=[vizier_copy(name) for name in beside_vizier()],
    output:
        ledger=f"{RESULTS}/sample/ledger.json",
        record=record_of("ledger"),
    log:
        log_of("ledger"),
    benchmark:
        benchmark_of("ledger")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        settings=settings("directions", "surveys", "crossmatch", "row_candidates"),
        code=code_digest("sample.ledger"),
        both=lambda wildcards, input: (
            f"--rows {quoted(input.rows)} --vizier {quoted(input.vizier)}"
            if input.vizier
            else ""
        ),
    shell:
        "python -m spectrotranslator.sample.ledger --config {params.config:q}"
        " --parts {input.parts:q} --stars {input.stars:q} {params.both} --ledger {output.ledger:q}"
        " --record {output.record:q} > {log:q} 2>&1"
