# The regenerated catalogues held against the published ones, and the verdict.


localrules:
    judge,


rule compare_catalogue:
    input:
        readme=lambda w: fetched(CONFIGURATION.sources.readme),
        published=lambda w: fetched(DIRECTIONS[w.direction].published),
        own_readme=f"{RESULTS}/catalogues/{COMPARED_METHOD}/ReadMe",
        regenerated=f"{RESULTS}/catalogues/{COMPARED_METHOD}/{{direction}}.dat",
        tolerances=tolerance_files(),
        fingerprint=lambda w: fingerprint_of(w.direction),
    output:
        diff=f"{RESULTS}/diff/{{direction}}/diff.json",
        rows=f"{RESULTS}/diff/{{direction}}/rows.parquet",
        peculiar=f"{RESULTS}/diff/{{direction}}/peculiar.parquet",
        record=record_of("compare-{direction}"),
    log:
        log_of("compare-{direction}"),
    benchmark:
        benchmark_of("compare-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("compare_catalogue"),
        runtime=minutes_of("compare_catalogue"),
        disk_mb=disk_of("compare_catalogue"),
    params:
        config=RESOLVED,
        settings=settings(
            "comparison", "selection", "training_sample", f"methods.{COMPARED_METHOD}"
        ),
        code=code_digest("compare.catalogues"),
        tolerances=lambda wildcards, input: "--tolerances" if input.tolerances else "",
    shell:
        "python -m spectrotranslator.compare.catalogues --config {params.config:q}"
        " --direction {wildcards.direction:q} --readme {input.readme:q}"
        " --published {input.published:q} --own-readme {input.own_readme:q}"
        " --regenerated {input.regenerated:q} {params.tolerances} {input.tolerances:q}"
        " --fingerprint {input.fingerprint:q}"
        " --diff {output.diff:q} --rows {output.rows:q} --peculiar {output.peculiar:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule judge:
    input:
        diffs=expand(rules.compare_catalogue.output.diff, direction=COMPARED),
        scores=scores_of(COMPARED_METHOD),
    output:
        verdict=f"{RESULTS}/verdict.json",
        record=record_of("judge"),
    log:
        log_of("judge"),
    benchmark:
        benchmark_of("judge")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        settings=settings(
            "run", "sky", "evidence", "comparison.method", "surveys", "directions"
        ),
        code=code_digest("compare.verdict"),
    shell:
        "python -m spectrotranslator.compare.verdict --config {params.config:q}"
        " --diffs {input.diffs:q} --scores {input.scores:q} --verdict {output.verdict:q}"
        " --record {output.record:q} > {log:q} 2>&1"
