# What the networks are worth: losses scored again, importance of every input, calibrated intervals,
# and every method on stars that its networks never saw.


rule assess_ensemble:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        weights=RUN.of_kind("weights.safetensors"),
        descriptions=RUN.of_kind("training.json"),
    output:
        scores=f"{RESULTS}/networks/{{method}}/{{direction}}/{{kind}}/scores.json",
        importance=f"{RESULTS}/importance/{{method}}/{{direction}}-{{kind}}.json",
        record=record_of("assess_ensemble-{method}-{direction}-{kind}"),
    log:
        log_of("assess_ensemble-{method}-{direction}-{kind}"),
    benchmark:
        benchmark_of("assess_ensemble-{method}-{direction}-{kind}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("assess_ensemble"),
    params:
        **RUN.step("spectrotranslator.network.assess_ensemble"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule calibrate_intervals:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        weights=RUN.of_kind("weights.safetensors"),
        descriptions=RUN.of_kind("training.json"),
        origin=RUN.stars("origin"),
        target=RUN.stars("target"),
        fingerprint=RUN.fingerprint_used,
    output:
        calibration=f"{RESULTS}/networks/{{method}}/{{direction}}/{{kind}}/calibration.json",
        record=record_of("calibrate_intervals-{method}-{direction}-{kind}"),
    log:
        log_of("calibrate_intervals-{method}-{direction}-{kind}"),
    benchmark:
        benchmark_of("calibrate_intervals-{method}-{direction}-{kind}")
    wildcard_constraints:
        method=RUN.any_of(RUN.calibrated),
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("calibrate_intervals"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.translation.calibrate_intervals"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule cross_validate:
    input:
        samples=RUN.samples,
        origin=RUN.stars("origin"),
        target=RUN.stars("target"),
        fingerprint=RUN.fingerprint_used,
    output:
        predictions=f"{RESULTS}/evaluation/{{method}}/{{direction}}.parquet",
        record=record_of("cross_validate-{method}-{direction}"),
    log:
        log_of("cross_validate-{method}-{direction}"),
    benchmark:
        benchmark_of("cross_validate-{method}-{direction}")
    priority: 1  # the longest of all: started last, it would delay the end
    conda:
        "../../envs/workflow.yaml"
    threads: lambda wildcards: CONFIGURATION.compute.threads * RUN.processes(wildcards.method)
    resources:
        **RUN.resources("cross_validate"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.evaluation.cross_validate"),
        processes=lambda w, threads: max(1, threads // CONFIGURATION.compute.threads),
    shell:
        "{params.command} --processes {params.processes} > {log:q} 2>&1"


rule evaluate_methods:
    input:
        samples=RUN.samples,
        predictions=lambda w: [
            f"{RESULTS}/evaluation/{method}/{w.direction}.parquet"
            for method in RUN.methods
        ],
        origin=RUN.stars("origin"),
        target=RUN.stars("target"),
    output:
        evaluation=f"{RESULTS}/evaluation/{{direction}}.json",
        record=record_of("evaluate_methods-{direction}"),
    log:
        log_of("evaluate_methods-{direction}"),
    benchmark:
        benchmark_of("evaluate_methods-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("evaluate_methods"),
    params:
        **RUN.step("spectrotranslator.evaluation.evaluate_methods"),
    shell:
        "{params.command} > {log:q} 2>&1"
