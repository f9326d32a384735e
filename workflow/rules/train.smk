# Training: a job trains a batch of an ensemble's members, by default all of them.

for batch in RUN.batches:

    rule:
        name:
            RUN.training_rule(batch)
        input:
            sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        output:
            weights=RUN.of_members(batch, "weights.safetensors"),
            description=RUN.of_members(batch, "training.json"),
            history=RUN.of_members(batch, "history.csv"),
            record=record_of(RUN.training_job(batch)),
        log:
            log_of(RUN.training_job(batch)),
        benchmark:
            benchmark_of(RUN.training_job(batch))
        wildcard_constraints:
            method=RUN.any_of(batch.methods),
        conda:
            "../../envs/workflow.yaml"
        threads: CONFIGURATION.compute.threads
        resources:
            **RUN.resources("train_members"),
            gres=RUN.gres,
        params:
            **RUN.step(
                "spectrotranslator.network.train_members",
                members=[str(member) for member in batch.members],
            ),
        shell:
            "{params.command} > {log:q} 2>&1"
