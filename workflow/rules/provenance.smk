# What was done: the crate of the run, and the manifest that names everything else.


localrules:
    write_crate,
    gather_provenance,


rule write_crate:
    input:
        records=[record_of(job) for job in jobs_before_the_manifest()],
    output:
        crate=f"{RESULTS}/provenance/ro-crate-metadata.json",
        verifier=f"{RESULTS}/provenance/verify.py",
        readme=f"{RESULTS}/provenance/README.md",
        snakefile=f"{RESULTS}/provenance/Snakefile",
        code=f"{RESULTS}/provenance/code.tar",
        record=record_of("crate"),
    log:
        log_of("crate"),
    benchmark:
        benchmark_of("crate")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        workflow=WORKFLOW_FILES,
        digests=digest([sha256(file) for file in WORKFLOW_FILES]),
        copies=digest(
            [
                sha256(PACKAGE / "provenance" / name)
                for name in ("verify.py", "crate_readme.md")
            ]
        ),
        settings=digest(SETTINGS),
        code=code_digest("provenance.crate"),
    shell:
        "python -m spectrotranslator.provenance.crate --config {params.config:q}"
        " --main workflow/Snakefile --workflow {params.workflow:q} --records {input.records:q}"
        " --crate {output.crate:q} --verifier {output.verifier:q}"
        " --readme {output.readme:q} --snakefile {output.snakefile:q} --code {output.code:q}"
        " --record {output.record:q} > {log:q} 2>&1"


rule gather_provenance:
    input:
        records=[record_of(job) for job in [*jobs_before_the_manifest(), "crate"]],
        about=files_about([*jobs_before_the_manifest(), "crate"]),
        crate=rules.write_crate.output,
    output:
        manifest=f"{RESULTS}/provenance/manifest.json",
    # No benchmark: Snakemake would write it after the manifest that has to name it.
    log:
        log_of("manifest"),
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        workflow=WORKFLOW_FILES,
        digests=digest([sha256(file) for file in WORKFLOW_FILES]),
        settings=digest(SETTINGS),
        code=code_digest("provenance.manifest"),
    shell:
        "python -m spectrotranslator.provenance.manifest --config {params.config:q}"
        " --workflow {params.workflow:q} --records {input.records:q}"
        " --manifest {output.manifest:q} > {log:q} 2>&1"
