# What the published catalogues say about how they were made.


rule read_fingerprint:
    input:
        readme=lambda w: fetched(CONFIGURATION.sources.readme),
        published=lambda w: fetched(DIRECTIONS[w.direction].published),
        origin=stars_of("origin"),
        target=stars_of("target"),
    output:
        fingerprint=f"{RESULTS}/fingerprint/{{direction}}.json",
        record=record_of("fingerprint-{direction}"),
    log:
        log_of("fingerprint-{direction}"),
    benchmark:
        benchmark_of("fingerprint-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("read_fingerprint"),
        runtime=minutes_of("read_fingerprint"),
        disk_mb=disk_of("read_fingerprint"),
    params:
        config=RESOLVED,
        settings=settings_for(
            "surveys",
            "selections",
            "match",
            "crossmatch",
            "split",
            "directions.{direction}",
            f"methods.{COMPARED_METHOD}.montecarlo.map_bins",
            f"methods.{COMPARED_METHOD}.montecarlo.map_precision",
        ),
        code=code_digest("fingerprint.published"),
    shell:
        "python -m spectrotranslator.fingerprint.published --config {params.config:q}"
        " --direction {wildcards.direction:q} --readme {input.readme:q}"
        " --published {input.published:q} --origin {input.origin:q} --target {input.target:q}"
        " --fingerprint {output.fingerprint:q}"
        " --record {output.record:q} > {log:q} 2>&1"
