# The catalogues: translated in shards, joined, described, and both surveys on one base.


rule translate_shard:
    input:
        stars=RUN.stars("origin"),
        samples=RUN.samples,
        weights=RUN.of_direction("weights.safetensors"),
        descriptions=RUN.of_direction("training.json"),
        calibrations=RUN.calibrations,
        fingerprint=RUN.fingerprint_used,
    output:
        part=f"{RESULTS}/catalogues/{{method}}/parts/{{direction}}-{{shard}}.parquet",
        record=record_of("translate_shard-{method}-{direction}-{shard}"),
    log:
        log_of("translate_shard-{method}-{direction}-{shard}"),
    benchmark:
        benchmark_of("translate_shard-{method}-{direction}-{shard}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        **RUN.resources("translate_shard"),
        gres=RUN.gres,
    params:
        **RUN.step("spectrotranslator.translation.translate_shard"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule assemble_catalogue:
    input:
        registry=CONFIGURATION.sources.registry,
        layout=lambda w: RUN.layouts.get(w.direction, []),
        parts=expand(
            rules.translate_shard.output.part, shard=RUN.shards, allow_missing=True
        ),
    output:
        parquet=f"{RESULTS}/catalogues/{{method}}/{{direction}}.parquet",
        fits=f"{RESULTS}/catalogues/{{method}}/{{direction}}.fits",
        votable=f"{RESULTS}/catalogues/{{method}}/{{direction}}.vot",
        record=record_of("assemble_catalogue-{method}-{direction}"),
    log:
        log_of("assemble_catalogue-{method}-{direction}"),
    benchmark:
        benchmark_of("assemble_catalogue-{method}-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("assemble_catalogue"),
    params:
        **RUN.step("spectrotranslator.translation.assemble_catalogue"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule write_table:
    input:
        layout=lambda w: RUN.layouts[w.direction],
        parquet=rules.assemble_catalogue.output.parquet,
    output:
        dat=f"{RESULTS}/catalogues/{{method}}/{{direction}}.dat",
        record=record_of("write_table-{method}-{direction}"),
    log:
        log_of("write_table-{method}-{direction}"),
    benchmark:
        benchmark_of("write_table-{method}-{direction}")
    wildcard_constraints:
        direction=RUN.any_of(RUN.layouts),
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("write_table"),
    params:
        **RUN.step("spectrotranslator.translation.write_table"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule homogenise:
    input:
        registry=CONFIGURATION.sources.registry,
        origin=lambda w: f"{RESULTS}/sample/{CONFIGURATION.directions[RUN.direction_to[w.base]].origin}.parquet",
        target=f"{RESULTS}/sample/{{base}}.parquet",
        fingerprint=RUN.selection_told_of_base,
        parts=lambda w: expand(
            rules.translate_shard.output.part,
            method=w.method,
            direction=RUN.direction_to[w.base],
            shard=RUN.shards,
        ),
    output:
        homogenised=f"{RESULTS}/catalogues/{{method}}/homogenised_{{base}}.parquet",
        fits=f"{RESULTS}/catalogues/{{method}}/homogenised_{{base}}.fits",
        votable=f"{RESULTS}/catalogues/{{method}}/homogenised_{{base}}.vot",
        dat=f"{RESULTS}/catalogues/{{method}}/homogenised_{{base}}.dat",
        record=record_of("homogenise-{method}-{base}"),
    log:
        log_of("homogenise-{method}-{base}"),
    benchmark:
        benchmark_of("homogenise-{method}-{base}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        **RUN.resources("homogenise"),
    params:
        **RUN.step(
            "spectrotranslator.translation.homogenise",
            direction=lambda w: RUN.direction_to[w.base],
        ),
    shell:
        "{params.command} > {log:q} 2>&1"


localrules:
    describe_catalogues,


rule describe_catalogues:
    input:
        registry=CONFIGURATION.sources.registry,
        layouts=list(RUN.layouts.values()),
        tables=expand(
            rules.write_table.output.dat, direction=RUN.layouts, allow_missing=True
        ),
        homogenised=expand(
            rules.homogenise.output.homogenised,
            base=RUN.direction_to,
            allow_missing=True,
        ),
    output:
        readme=f"{RESULTS}/catalogues/{{method}}/ReadMe",
        record=record_of("describe_catalogues-{method}"),
    log:
        log_of("describe_catalogues-{method}"),
    benchmark:
        benchmark_of("describe_catalogues-{method}")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.translation.describe_catalogues"),
    shell:
        "{params.command} > {log:q} 2>&1"
