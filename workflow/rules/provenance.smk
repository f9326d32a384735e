# What was done, gathered when all is done.


localrules:
    gather_provenance,


rule gather_provenance:
    input:
        records=[record_of(job) for job in jobs_before_the_manifest()],
        about=files_about(jobs_before_the_manifest()),
    output:
        manifest=f"{RESULTS}/provenance/manifest.json",
        record=record_of("manifest"),
    log:
        log_of("manifest"),
    benchmark:
        benchmark_of("manifest")
    conda:
        "../../envs/workflow.yaml"
    params:
        code=code_digest("provenance.manifest"),
    shell:
        "python -m spectrotranslator.provenance.manifest --records {input.records:q}"
        " --manifest {output.manifest:q} --record {output.record:q} > {log:q} 2>&1"
