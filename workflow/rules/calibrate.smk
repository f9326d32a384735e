# The run's own tolerances: replicates drawn from a pool of further networks, compared in pairs.


localrules:
    collect_tolerances,


rule train_pool:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
    output:
        weights=RUN.of_part("weights.safetensors"),
        description=RUN.of_part("training.json"),
        record=record_of("train_pool-{direction}-{kind}-{part}"),
    log:
        log_of("train_pool-{direction}-{kind}-{part}"),
    benchmark:
        benchmark_of("train_pool-{direction}-{kind}-{part}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.compared),
        part=RUN.any_of(RUN.pool_parts),
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("train_pool"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.tolerance.train_pool"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule apply_choice:
    input:
        stars=RUN.stars("origin"),
        samples=RUN.samples,
        weights=RUN.weights_of_choice,
        fingerprint=RUN.fingerprint_of_compared,
    output:
        table=f"{RESULTS}/calibration/{{direction}}/choice-{{choice}}.parquet",
        record=record_of("apply_choice-{direction}-{choice}"),
    log:
        log_of("apply_choice-{direction}-{choice}"),
    benchmark:
        benchmark_of("apply_choice-{direction}-{choice}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.compared),
        choice=RUN.any_of(CONFIGURATION.comparison.choices),
    conda:
        "../../envs/workflow.yaml"
    threads: lambda w: CONFIGURATION.compute.threads * RUN.processes_of_choice(w.choice)
    resources:
        **RUN.resources("apply_choice"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.tolerance.apply_choice"),
        processes=lambda w, threads: max(1, threads // CONFIGURATION.compute.threads),
    shell:
        "{params.command} --processes {params.processes} > {log:q} 2>&1"


rule compare_replicates:
    input:
        layout=lambda w: RUN.layouts[w.direction],
        stars=RUN.stars("origin"),
        samples=RUN.samples,
        own=RUN.of_compared("weights.safetensors"),
        own_descriptions=RUN.of_compared("training.json"),
        weights=RUN.of_pool("weights.safetensors"),
        descriptions=RUN.of_pool("training.json"),
        choices=RUN.choice_tables,
        fingerprint=RUN.fingerprint_of_compared,
    output:
        statistics=f"{RESULTS}/calibration/{{direction}}/pairs-{{pairs}}.json",
        record=record_of("compare_replicates-{direction}-{pairs}"),
    log:
        log_of("compare_replicates-{direction}-{pairs}"),
    benchmark:
        benchmark_of("compare_replicates-{direction}-{pairs}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.compared),
        pairs=RUN.any_of(RUN.pair_parts),
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("compare_replicates"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.tolerance.compare_replicates"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule spread_flags:
    input:
        layout=lambda w: RUN.layouts[w.direction],
        stars=RUN.stars("origin"),
        target=RUN.stars("target"),
        fingerprint=f"{RESULTS}/fingerprint/{{direction}}.json",
    output:
        spread=f"{RESULTS}/calibration/{{direction}}/flags.json",
        record=record_of("spread_flags-{direction}"),
    log:
        log_of("spread_flags-{direction}"),
    benchmark:
        benchmark_of("spread_flags-{direction}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.compared),
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("spread_flags"),
    params:
        **RUN.step("spectrotranslator.tolerance.spread_flags"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule collect_tolerances:
    input:
        statistics=expand(
            rules.compare_replicates.output.statistics,
            direction=RUN.compared,
            pairs=RUN.pair_parts,
        ),
        flags=expand(rules.spread_flags.output.spread, direction=RUN.compared),
    output:
        tolerances=f"{RESULTS}/tolerances.json",
        record=record_of("collect_tolerances"),
    log:
        log_of("collect_tolerances"),
    benchmark:
        benchmark_of("collect_tolerances")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.tolerance.collect_tolerances"),
    shell:
        "{params.command} > {log:q} 2>&1"
