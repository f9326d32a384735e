# From the archives: survey files, published tables, Gaia magnitudes.


localrules:
    fetch_file,
    fetch_copy,
    fetch_photometry,
    list_sources,


if CONFIGURATION.sky:

    localrules:
        simulate_sky,
        publish_sky,

    rule simulate_sky:
        output:
            galah=f"{SKY}/GALAH_DR3_main_allstar_v2.fits",
            vac=f"{SKY}/GALAH_DR3_VAC_GaiaEDR3_v2.fits",
            apogee=f"{SKY}/allStarLite-dr17-synspec_rev1.fits",
            gaia=f"{SKY}/gaia.parquet",
            truth=f"{SKY}/truth/truth.parquet",
            record=record_of("simulate-sky"),
        log:
            log_of("simulate-sky"),
        benchmark:
            benchmark_of("simulate-sky")
        conda:
            "../../envs/workflow.yaml"
        params:
            config=RESOLVED,
            settings=settings("sky"),
            code=code_digest("minisky.simulate"),
        shell:
            "python -m spectrotranslator.minisky.simulate --config {params.config:q}"
            " --galah {output.galah:q} --vac {output.vac:q} --apogee {output.apogee:q}"
            " --gaia {output.gaia:q} --truth {output.truth:q}"
            " --record {output.record:q} > {log:q} 2>&1"

    rule publish_sky:
        input:
            galah=rules.simulate_sky.output.galah,
            vac=rules.simulate_sky.output.vac,
            apogee=rules.simulate_sky.output.apogee,
            gaia=rules.simulate_sky.output.gaia,
        output:
            readme=f"{SKY}/published/ReadMe",
            g2a=f"{SKY}/published/g2a.dat.gz",
            a2g=f"{SKY}/published/a2g.dat.gz",
            digest=f"{SKY}/published/digest.json",
            record=record_of("publish-sky"),
        log:
            log_of("publish-sky"),
        benchmark:
            benchmark_of("publish-sky")
        conda:
            "../../envs/workflow.yaml"
        params:
            config=RESOLVED,
            settings=settings("sky"),
            code=code_digest("minisky.publish"),
        shell:
            "python -m spectrotranslator.minisky.publish --config {params.config:q}"
            " --galah {input.galah:q} --vac {input.vac:q} --apogee {input.apogee:q}"
            " --gaia {input.gaia:q} --readme {output.readme:q} --g2a {output.g2a:q}"
            " --a2g {output.a2g:q} --digest {output.digest:q}"
            " --record {output.record:q} > {log:q} 2>&1"


rule fetch_file:
    input:
        sky=sky_behind,
    output:
        file=f"{RESULTS}/sources/{{file}}",
        receipt=f"{RESULTS}/sources/receipts/{{file}}.json",
        record=record_of("fetch-{file}"),
    log:
        log_of("fetch-{file}"),
    benchmark:
        benchmark_of("fetch-{file}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        patience=patience(),
    params:
        around=AROUND,
        registry=CONFIGURATION.sources.registry,
        name=lambda wildcards: FILES[wildcards.file].name,
        entry=lambda wildcards: registered(FILES[wildcards.file].name),
        places=f"{shared_folder()} {lock_of_sources()}",
        code=code_digest("archive.fetch"),
    shell:
        "{params.around} python -m spectrotranslator.archive.fetch"
        " --registry {params.registry:q} --name {params.name:q} {params.places}"
        " --patience {resources.patience:q} --file {output.file:q} --receipt {output.receipt:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule fetch_copy:
    input:
        sky=sky_of_surveys(),
    output:
        table=f"{RESULTS}/sources/{{survey}}.vizier.parquet",
        receipt=f"{RESULTS}/sources/receipts/{{survey}}.vizier.parquet.json",
        record=record_of("fetch-{survey}.vizier.parquet"),
    log:
        log_of("fetch-{survey}.vizier.parquet"),
    benchmark:
        benchmark_of("fetch-{survey}.vizier.parquet")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        around=AROUND,
        settings=settings_for("surveys.{survey}.vizier"),
        entry=lambda wildcards: registered(SURVEYS[wildcards.survey].vizier.source),
        code=code_digest("archive.vizier"),
    shell:
        "{params.around} python -m spectrotranslator.archive.vizier --config {params.config:q}"
        " --survey {wildcards.survey:q} --table {output.table:q}"
        " --receipt {output.receipt:q} --record {output.record:q} > {log:q} 2>&1"


rule fetch_photometry:
    input:
        sky=sky_of_surveys(),
        rows=expand(f"{RESULTS}/sample/{{survey}}.rows.parquet", survey=SURVEYS),
    output:
        magnitudes=f"{RESULTS}/sources/gaia.parquet",
        receipt=f"{RESULTS}/sources/receipts/gaia.parquet.json",
        record=record_of("fetch-gaia.parquet"),
    log:
        log_of("fetch-gaia.parquet"),
    benchmark:
        benchmark_of("fetch-gaia.parquet")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        around=AROUND,
        settings=settings("sources.photometry"),
        entry=lambda wildcards: registered(*services_of_photometry()),
        code=code_digest("archive.gaia"),
    shell:
        "{params.around} python -m spectrotranslator.archive.gaia --config {params.config:q}"
        " --name gaia --rows {input.rows:q} --magnitudes {output.magnitudes:q}"
        " --receipt {output.receipt:q} --record {output.record:q} > {log:q} 2>&1"


rule list_sources:
    input:
        receipts=[f"{RESULTS}/sources/receipts/{file}.json" for file in fetched_files()],
    output:
        manifest=f"{RESULTS}/sources/manifest.json",
        record=record_of("list-sources"),
    log:
        log_of("list-sources"),
    benchmark:
        benchmark_of("list-sources")
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("archive.manifest"),
    shell:
        "python -m spectrotranslator.archive.manifest --receipts {input.receipts:q}"
        " --manifest {output.manifest:q} --record {output.record:q} > {log:q} 2>&1"
