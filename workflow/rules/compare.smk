# The regenerated catalogues compared with the published ones, and the verdict.


localrules:
    grade_catalogues,


rule compare_catalogue:
    input:
        readme=lambda w: RUN.fetched(CONFIGURATION.sources.readme),
        published=lambda w: RUN.fetched(CONFIGURATION.directions[w.direction].published),
        own_readme=f"{RESULTS}/catalogues/{COMPARED}/ReadMe",
        regenerated=f"{RESULTS}/catalogues/{COMPARED}/{{direction}}.dat",
        tolerances=RUN.tolerances,
        fingerprint=f"{RESULTS}/fingerprint/{{direction}}.json",
    output:
        diff=f"{RESULTS}/diff/{{direction}}/diff.json",
        rows=f"{RESULTS}/diff/{{direction}}/rows.parquet",
        unmatched=f"{RESULTS}/diff/{{direction}}/unmatched.parquet",
        record=record_of("compare_catalogue-{direction}"),
    log:
        log_of("compare_catalogue-{direction}"),
    benchmark:
        benchmark_of("compare_catalogue-{direction}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.compared),
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("compare_catalogue"),
    params:
        **RUN.step("spectrotranslator.comparison.compare_catalogue"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule grade_catalogues:
    input:
        diffs=expand(rules.compare_catalogue.output.diff, direction=RUN.compared),
        scores=RUN.scores(COMPARED),
    output:
        verdict=f"{RESULTS}/verdict.json",
        record=record_of("grade_catalogues"),
    log:
        log_of("grade_catalogues"),
    benchmark:
        benchmark_of("grade_catalogues")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.comparison.grade_catalogues"),
    shell:
        "{params.command} > {log:q} 2>&1"
