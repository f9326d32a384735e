# What was done: the crate of the run, and the manifest that names everything else.


localrules:
    write_crate,
    write_manifest,


rule write_crate:
    input:
        main="workflow/Snakefile",
        workflow=RUN.workflow_files,
        records=records_before("write_crate", "write_manifest"),
    output:
        crate=f"{RESULTS}/ro-crate-metadata.json",
        beside=f"{RESULTS}/provenance/ro-crate-metadata.json",
        verifier=f"{RESULTS}/provenance/verify.py",
        readme=f"{RESULTS}/README.md",
        snakefile=f"{RESULTS}/provenance/Snakefile",
        code=f"{RESULTS}/provenance/code.tar",
        record=record_of("write_crate"),
    log:
        log_of("write_crate"),
    benchmark:
        benchmark_of("write_crate")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.provenance.write_crate"),
        workflow_digest=RUN.workflow_digest,
        copies=RUN.copied_digest("verify.py", "crate_readme.md", "write_manifest.py"),
    shell:
        "{params.command} > {log:q} 2>&1"


rule write_manifest:
    input:
        workflow=RUN.workflow_files,
        records=records_before("write_manifest"),
        about=files_of_run("write_manifest"),
    output:
        manifest=f"{RESULTS}/provenance/manifest.json",
    # No benchmark: Snakemake would write it after the manifest that has to name it.
    log:
        log_of("write_manifest"),
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.provenance.write_manifest"),
        workflow_digest=RUN.workflow_digest,
    shell:
        "{params.command} > {log:q} 2>&1"
