# The networks: every member a job (on a GPU every ensemble), its loss scored again, what each input
# is worth, and how good a method is on stars that its networks never saw.


if TOGETHER:

    rule train_together:
        input:
            sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        output:
            weights=of_every_member(f"{MEMBER}/weights.safetensors"),
            description=of_every_member(f"{MEMBER}/training.json"),
            history=of_every_member(f"{MEMBER}/history.csv"),
            record=record_of("train-{method}-{direction}-{kind}"),
        log:
            log_of("train-{method}-{direction}-{kind}"),
        benchmark:
            benchmark_of("train-{method}-{direction}-{kind}")
        conda:
            "../../envs/workflow.yaml"
        threads: CONFIGURATION.compute.threads
        resources:
            mem_mb=memory_of("train_together"),
            runtime=minutes_of("train_together"),
            disk_mb=disk_of("train_together"),
            gres=GRES,
        params:
            config=RESOLVED,
            settings=settings_for(
                "methods.{method}.network",
                "methods.{method}.training",
                "methods.{method}.ensemble.members",
                "directions.{direction}.networks.{kind}",
                "compute.threads",
                "compute.device",
            ),
            code=code_digest("network.together"),
        shell:
            "python -m spectrotranslator.network.together --config {params.config:q}"
            " --method {wildcards.method:q} --direction {wildcards.direction:q}"
            " --kind {wildcards.kind:q} --sample {input.sample:q}"
            " --weights {output.weights:q} --description {output.description:q}"
            " --history {output.history:q} --record {output.record:q} > {log:q} 2>&1"

else:

    rule train_member:
        input:
            sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        output:
            weights=f"{MEMBER}/weights.safetensors",
            description=f"{MEMBER}/training.json",
            history=f"{MEMBER}/history.csv",
            record=record_of("train-{method}-{direction}-{kind}-{member}"),
        log:
            log_of("train-{method}-{direction}-{kind}-{member}"),
        benchmark:
            benchmark_of("train-{method}-{direction}-{kind}-{member}")
        conda:
            "../../envs/workflow.yaml"
        threads: CONFIGURATION.compute.threads
        resources:
            mem_mb=memory_of("train_member"),
            runtime=minutes_of("train_member"),
            disk_mb=disk_of("train_member"),
        params:
            config=RESOLVED,
            settings=settings_for(
                "methods.{method}.network",
                "methods.{method}.training",
                "directions.{direction}.networks.{kind}",
                "compute.threads",
                "compute.device",
            ),
            code=code_digest("network.train"),
        shell:
            "python -m spectrotranslator.network.train --config {params.config:q}"
            " --method {wildcards.method:q} --direction {wildcards.direction:q}"
            " --kind {wildcards.kind:q} --member {wildcards.member} --sample {input.sample:q}"
            " --weights {output.weights:q} --description {output.description:q}"
            " --history {output.history:q} --record {output.record:q} > {log:q} 2>&1"


rule score_members:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        weights=weights_of_kind,
        descriptions=descriptions_of(weights_of_kind),
    output:
        scores=f"{RESULTS}/networks/{{method}}/{{direction}}/{{kind}}/scores.json",
        record=record_of("score-{method}-{direction}-{kind}"),
    log:
        log_of("score-{method}-{direction}-{kind}"),
    benchmark:
        benchmark_of("score-{method}-{direction}-{kind}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("score_members"),
        runtime=minutes_of("score_members"),
        disk_mb=disk_of("score_members"),
    params:
        config=RESOLVED,
        settings=settings_for("directions.{direction}.networks.{kind}"),
        code=code_digest("network.score"),
    shell:
        "python -m spectrotranslator.network.score --config {params.config:q}"
        " --direction {wildcards.direction:q} --kind {wildcards.kind:q}"
        " --sample {input.sample:q} --weights {input.weights:q} --scores {output.scores:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule weigh_inputs:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        weights=weights_of_kind,
        descriptions=descriptions_of(weights_of_kind),
    output:
        importance=f"{RESULTS}/importance/{{method}}/{{direction}}-{{kind}}.json",
        record=record_of("importance-{method}-{direction}-{kind}"),
    log:
        log_of("importance-{method}-{direction}-{kind}"),
    benchmark:
        benchmark_of("importance-{method}-{direction}-{kind}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        mem_mb=memory_of("weigh_inputs"),
        runtime=minutes_of("weigh_inputs"),
        disk_mb=disk_of("weigh_inputs"),
    params:
        config=RESOLVED,
        settings=settings_for(
            "importance", "compute.threads", "directions.{direction}.networks.{kind}"
        ),
        code=code_digest("network.importance"),
    shell:
        "python -m spectrotranslator.network.importance --config {params.config:q}"
        " --direction {wildcards.direction:q} --kind {wildcards.kind:q}"
        " --sample {input.sample:q} --weights {input.weights:q}"
        " --importance {output.importance:q} --record {output.record:q} > {log:q} 2>&1"


rule calibrate_widths:
    input:
        sample=f"{RESULTS}/sample/{{direction}}-{{kind}}.parquet",
        weights=weights_of_kind,
        descriptions=descriptions_of(weights_of_kind),
        origin=stars_of("origin"),
        target=stars_of("target"),
        fingerprint=fingerprint_used,
    output:
        calibration=f"{RESULTS}/networks/{{method}}/{{direction}}/{{kind}}/calibration.json",
        record=record_of("widths-{method}-{direction}-{kind}"),
    log:
        log_of("widths-{method}-{direction}-{kind}"),
    benchmark:
        benchmark_of("widths-{method}-{direction}-{kind}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        mem_mb=memory_of("calibrate_widths"),
        runtime=minutes_of("calibrate_widths"),
        disk_mb=disk_of("calibrate_widths"),
        gres=GRES,
    params:
        config=RESOLVED,
        settings=settings_for(
            "methods.{method}",
            "directions.{direction}.networks.{kind}",
            "surveys",
            "compute.threads",
            "compute.device",
        ),
        code=code_digest("catalogue.widths"),
        fingerprint=lambda w, input: "--fingerprint" if input.fingerprint else "",
    shell:
        "python -m spectrotranslator.catalogue.widths --config {params.config:q}"
        " --method {wildcards.method:q} --direction {wildcards.direction:q}"
        " --kind {wildcards.kind:q} --sample {input.sample:q} --weights {input.weights:q}"
        " --origin {input.origin:q} --target {input.target:q}"
        " {params.fingerprint} {input.fingerprint:q}"
        " --calibration {output.calibration:q} --record {output.record:q} > {log:q} 2>&1"


rule predict_apart:
    input:
        samples=samples_of,
        origin=stars_of("origin"),
        target=stars_of("target"),
        fingerprint=fingerprint_used,
    output:
        predictions=f"{RESULTS}/evaluation/{{method}}/{{direction}}.parquet",
        record=record_of("predict-{method}-{direction}"),
    log:
        log_of("predict-{method}-{direction}"),
    benchmark:
        benchmark_of("predict-{method}-{direction}")
    priority: 1  # the longest of all: begun last, it would be waited for
    conda:
        "../../envs/workflow.yaml"
    threads: lambda wildcards: CONFIGURATION.compute.threads * apart(wildcards.method)
    resources:
        mem_mb=memory_of("predict_apart"),
        runtime=minutes_of("predict_apart"),
        disk_mb=disk_of("predict_apart"),
        gres=GRES,
    params:
        config=RESOLVED,
        settings=settings_for(
            "methods.{method}",
            "directions.{direction}.networks",
            "surveys",
            "split",
            "evaluation",
            "compute.threads",
            "compute.device",
        ),
        code=code_digest("evaluation.predict"),
        processes=lambda w, threads: max(1, threads // CONFIGURATION.compute.threads),
        fingerprint=lambda w, input: "--fingerprint" if input.fingerprint else "",
    shell:
        "python -m spectrotranslator.evaluation.predict --config {params.config:q}"
        " --method {wildcards.method:q} --direction {wildcards.direction:q}"
        " --samples {input.samples:q} --origin {input.origin:q} --target {input.target:q}"
        " {params.fingerprint} {input.fingerprint:q} --processes {params.processes}"
        " --predictions {output.predictions:q} --record {output.record:q} > {log:q} 2>&1"


rule judge_methods:
    input:
        samples=samples_of,
        predictions=lambda w: [
            f"{RESULTS}/evaluation/{method}/{w.direction}.parquet"
            for method in METHODS
        ],
        origin=stars_of("origin"),
        target=stars_of("target"),
    output:
        evaluation=f"{RESULTS}/evaluation/{{direction}}.json",
        record=record_of("evaluate-{direction}"),
    log:
        log_of("evaluate-{direction}"),
    benchmark:
        benchmark_of("evaluate-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("judge_methods"),
        runtime=minutes_of("judge_methods"),
        disk_mb=disk_of("judge_methods"),
    params:
        config=RESOLVED,
        settings=settings_for(
            "directions.{direction}.networks", "surveys", "evaluation"
        ),
        code=code_digest("evaluation.judge"),
    shell:
        "python -m spectrotranslator.evaluation.judge --config {params.config:q}"
        " --direction {wildcards.direction:q} --samples {input.samples:q}"
        " --predictions {input.predictions:q} --origin {input.origin:q}"
        " --target {input.target:q} --evaluation {output.evaluation:q}"
        " --record {output.record:q} > {log:q} 2>&1"
