# The catalogues: translated in shards, joined, described, and both surveys on one base.


localrules:
    describe_catalogues,


rule translate_shard:
    input:
        stars=stars_of("origin"),
        samples=samples_of,
        weights=weights_of_direction,
        descriptions=descriptions_of(weights_of_direction),
        calibrations=calibrations_of_direction,
        fingerprint=fingerprint_used,
    output:
        part=f"{RESULTS}/catalogues/{{method}}/parts/{{direction}}-{{scatteritem}}.parquet",
        record=record_of("translate-{method}-{direction}-{scatteritem}"),
    log:
        log_of("translate-{method}-{direction}-{scatteritem}"),
    benchmark:
        benchmark_of("translate-{method}-{direction}-{scatteritem}")
    conda:
        "../../envs/workflow.yaml"
    threads: CONFIGURATION.compute.threads
    resources:
        mem_mb=memory_of("translate_shard"),
        runtime=minutes_of("translate_shard"),
        disk_mb=disk_of("translate_shard"),
        gres=GRES,
    params:
        config=RESOLVED,
        settings=settings_for(
            "methods.{method}.ensemble",
            "methods.{method}.montecarlo",
            "directions.{direction}",
            "surveys",
            "compute.threads",
            "compute.device",
        ),
        code=code_digest("catalogue.translate"),
        fingerprint=lambda w, input: "--fingerprint" if input.fingerprint else "",
    shell:
        "python -m spectrotranslator.catalogue.translate --config {params.config:q}"
        " --method {wildcards.method:q} --direction {wildcards.direction:q}"
        " --shard {wildcards.scatteritem} --stars {input.stars:q} --samples {input.samples:q}"
        " --weights {input.weights:q} --calibrations {input.calibrations:q}"
        " {params.fingerprint} {input.fingerprint:q}"
        " --part {output.part:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule assemble_catalogue:
    input:
        layout=layout_of,
        parts=gather.shards(
            f"{RESULTS}/catalogues/{{{{method}}}}/parts/{{{{direction}}}}-{{scatteritem}}.parquet"
        ),
    output:
        parquet=f"{RESULTS}/catalogues/{{method}}/{{direction}}.parquet",
        fits=f"{RESULTS}/catalogues/{{method}}/{{direction}}.fits",
        record=record_of("assemble-{method}-{direction}"),
    log:
        log_of("assemble-{method}-{direction}"),
    benchmark:
        benchmark_of("assemble-{method}-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("assemble_catalogue"),
        runtime=minutes_of("assemble_catalogue"),
        disk_mb=disk_of("assemble_catalogue"),
    params:
        config=RESOLVED,
        settings=settings_for("directions.{direction}.catalogue"),
        code=code_digest("catalogue.assemble"),
        layout=lambda wildcards, input: "--layout" if input.layout else "",
    shell:
        "python -m spectrotranslator.catalogue.assemble --config {params.config:q}"
        " --direction {wildcards.direction:q} {params.layout} {input.layout:q}"
        " --parts {input.parts:q}"
        " --parquet {output.parquet:q} --fits {output.fits:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule write_table:
    input:
        layout=layout_of,
        parquet=rules.assemble_catalogue.output.parquet,
    output:
        dat=f"{RESULTS}/catalogues/{{method}}/{{direction}}.dat",
        record=record_of("write-{method}-{direction}"),
    log:
        log_of("write-{method}-{direction}"),
    benchmark:
        benchmark_of("write-{method}-{direction}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("write_table"),
        runtime=minutes_of("write_table"),
        disk_mb=disk_of("write_table"),
    params:
        code=code_digest("catalogue.table"),
    shell:
        "python -m spectrotranslator.catalogue.table --layout {input.layout:q}"
        " --parquet {input.parquet:q} --dat {output.dat:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule describe_catalogues:
    input:
        layouts=list(layouts().values()),
        tables=lambda w: [catalogue_of(w.method, name, "dat") for name in layouts()],
    output:
        readme=f"{RESULTS}/catalogues/{{method}}/ReadMe",
        record=record_of("describe-{method}"),
    log:
        log_of("describe-{method}"),
    benchmark:
        benchmark_of("describe-{method}")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        code=code_digest("catalogue.describe"),
    shell:
        "python -m spectrotranslator.catalogue.describe --config {params.config:q}"
        " --method {wildcards.method:q} --layouts {input.layouts:q} --tables {input.tables:q}"
        " --readme {output.readme:q} --record {output.record:q} > {log:q} 2>&1"


rule homogenise:
    input:
        origin=lambda w: f"{RESULTS}/sample/{DIRECTIONS[TO_BASE[w.base]].origin}.parquet",
        target=f"{RESULTS}/sample/{{base}}.parquet",
        parts=lambda w: gather.shards(
            f"{RESULTS}/catalogues/{w.method}/parts/{TO_BASE[w.base]}-{{scatteritem}}.parquet"
        ),
    output:
        homogenised=f"{RESULTS}/catalogues/{{method}}/homogenised_{{base}}.parquet",
        record=record_of("homogenise-{method}-{base}"),
    log:
        log_of("homogenise-{method}-{base}"),
    benchmark:
        benchmark_of("homogenise-{method}-{base}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("homogenise"),
        runtime=minutes_of("homogenise"),
        disk_mb=disk_of("homogenise"),
    params:
        config=RESOLVED,
        direction=lambda w: TO_BASE[w.base],
        settings=settings_for(
            "directions",
            "selections",
            "selection",
            "match",
            "crossmatch",
            "methods.{method}.montecarlo",
        ),
        code=code_digest("catalogue.homogenise"),
    shell:
        "python -m spectrotranslator.catalogue.homogenise --config {params.config:q}"
        " --method {wildcards.method:q} --direction {params.direction:q}"
        " --origin {input.origin:q} --target {input.target:q}"
        " --parts {input.parts:q} --homogenised {output.homogenised:q}"
        " --record {output.record:q} > {log:q} 2>&1"
