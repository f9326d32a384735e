# Training on a CPU: every member of an ensemble is a job.


rule train_member:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
    output:
        weights=f"{MEMBER}/weights.safetensors",
        description=f"{MEMBER}/training.json",
        history=f"{MEMBER}/history.csv",
        record=record_of("train_member-{method}-{direction}-{kind}-{member}"),
    log:
        log_of("train_member-{method}-{direction}-{kind}-{member}"),
    benchmark:
        benchmark_of("train_member-{method}-{direction}-{kind}-{member}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("train_member"),
    params:
        **RUN.step("spectrotranslator.network.train_member"),
    shell:
        "{params.command} > {log:q} 2>&1"
