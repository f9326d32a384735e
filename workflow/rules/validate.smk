# Validation by stars whose values are known to agree: repeats, clusters, benchmark stars.


rule validate:
    input:
        unpack(lambda w: RUN.validation_tables),
        stars=expand(
            f"{RESULTS}/sample/{{survey}}.parquet", survey=CONFIGURATION.surveys
        ),
        parts=expand(
            rules.translate_shard.output.part,
            method=RUN.methods,
            direction=CONFIGURATION.directions,
            shard=RUN.shards,
        ),
        fingerprints=RUN.selections_told,
    output:
        validation=f"{RESULTS}/evaluation/validation.json",
        record=record_of("validate"),
    log:
        log_of("validate"),
    benchmark:
        benchmark_of("validate")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("validate"),
    params:
        **RUN.step("spectrotranslator.evaluation.validate"),
    shell:
        "{params.command} > {log:q} 2>&1"
