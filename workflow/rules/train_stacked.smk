# Training on a GPU: all members of an ensemble in one job.


rule train_ensemble:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
    output:
        weights=RUN.of_every_member(MEMBER, "weights.safetensors"),
        description=RUN.of_every_member(MEMBER, "training.json"),
        history=RUN.of_every_member(MEMBER, "history.csv"),
        record=record_of("train_ensemble-{method}-{direction}-{kind}"),
    log:
        log_of("train_ensemble-{method}-{direction}-{kind}"),
    benchmark:
        benchmark_of("train_ensemble-{method}-{direction}-{kind}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("train_ensemble"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.network.train_ensemble"),
    shell:
        "{params.command} > {log:q} 2>&1"
