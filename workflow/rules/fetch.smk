# From the archives: survey files, published tables, Gaia magnitudes.


localrules:
    fetch_file,
    fetch_vizier,


rule fetch_file:
    input:
        sky=RUN.files_behind,
    output:
        file=f"{RESULTS}/sources/{{file}}",
        receipt=f"{RESULTS}/sources/receipts/{{file}}.json",
        record=record_of("fetch_file-{file}"),
    log:
        log_of("fetch_file-{file}"),
    benchmark:
        benchmark_of("fetch_file-{file}")
    conda:
        "../../envs/workflow.yaml"
    resources:
        retry=RUN.retry,  # a resource, not a parameter: what is fetched does not depend on it
    params:
        **RUN.step(
            "spectrotranslator.download.fetch_file",
            registry=CONFIGURATION.sources.registry,
            name=lambda wildcards: RUN.file_sources[wildcards.file].name,
            **RUN.download_places,
        ),
        beside_archive=RUN.beside_archive,
        entry=lambda wildcards: RUN.source_entry(RUN.file_sources[wildcards.file].name),
    shell:
        "{params.beside_archive} {params.command} --retry {resources.retry:q} > {log:q} 2>&1"


rule fetch_vizier:
    input:
        sky=RUN.sky_files,
    output:
        table=f"{RESULTS}/sources/{{survey}}.vizier.parquet",
        receipt=f"{RESULTS}/sources/receipts/{{survey}}.vizier.parquet.json",
        record=record_of("fetch_vizier-{survey}"),
    log:
        log_of("fetch_vizier-{survey}"),
    benchmark:
        benchmark_of("fetch_vizier-{survey}")
    wildcard_constraints:
        survey=RUN.any_of(RUN.copied),
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.download.fetch_vizier"),
        beside_archive=RUN.beside_archive,
        entry=lambda w: RUN.source_entry(CONFIGURATION.surveys[w.survey].vizier.source),
    shell:
        "{params.beside_archive} {params.command} > {log:q} 2>&1"


if RUN.photometry_services:

    localrules:
        fetch_photometry,

    rule fetch_photometry:
        input:
            sky=RUN.sky_files,
            rows=expand(
                f"{RESULTS}/sample/{{survey}}.rows.parquet",
                survey=CONFIGURATION.surveys,
            ),
        output:
            magnitudes=f"{RESULTS}/sources/gaia.parquet",
            receipt=f"{RESULTS}/sources/receipts/gaia.parquet.json",
            record=record_of("fetch_photometry"),
        log:
            log_of("fetch_photometry"),
        benchmark:
            benchmark_of("fetch_photometry")
        conda:
            "../../envs/workflow.yaml"
        params:
            **RUN.step("spectrotranslator.download.fetch_photometry", name="gaia"),
            beside_archive=RUN.beside_archive,
            entry=RUN.source_entry(*RUN.photometry_services),
        shell:
            "{params.beside_archive} {params.command} > {log:q} 2>&1"


if RUN.receipts:

    localrules:
        list_sources,

    rule list_sources:
        input:
            receipts=RUN.receipts,
        output:
            manifest=f"{RESULTS}/sources/manifest.json",
            record=record_of("list_sources"),
        log:
            log_of("list_sources"),
        benchmark:
            benchmark_of("list_sources")
        conda:
            "../../envs/workflow.yaml"
        params:
            **RUN.step("spectrotranslator.download.list_sources"),
        shell:
            "{params.command} > {log:q} 2>&1"
