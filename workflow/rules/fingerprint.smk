# What the published catalogues say about how they were made.


rule read_fingerprint:
    input:
        readme=lambda w: RUN.fetched(CONFIGURATION.sources.readme),
        published=lambda w: RUN.fetched(CONFIGURATION.directions[w.direction].published),
        origin=RUN.stars("origin"),
        target=RUN.stars("target"),
    output:
        fingerprint=f"{RESULTS}/fingerprint/{{direction}}.json",
        record=record_of("read_fingerprint-{direction}"),
    log:
        log_of("read_fingerprint-{direction}"),
    benchmark:
        benchmark_of("read_fingerprint-{direction}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.compared),
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("read_fingerprint"),
    params:
        **RUN.step("spectrotranslator.fingerprint.read_fingerprint"),
    shell:
        "{params.command} > {log:q} 2>&1"
