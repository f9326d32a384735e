# Figures and the page.


localrules:
    write_page,


rule draw_figures:
    input:
        validation=RUN.validation,
        samples=RUN.training_samples,
        stars=expand(
            f"{RESULTS}/sample/{{survey}}.parquet", survey=CONFIGURATION.surveys
        ),
        judged=expand(
            f"{RESULTS}/evaluation/{{method}}/{{direction}}.parquet",
            method=RUN.methods,
            direction=CONFIGURATION.directions,
        ),
        evaluations=expand(
            f"{RESULTS}/evaluation/{{direction}}.json",
            direction=CONFIGURATION.directions,
        ),
        histories=RUN.all_member_files("history.csv"),
        importance=[
            f"{RESULTS}/importance/{one['method']}/{one['direction']}-{one['kind']}.json"
            for one in RUN.networks
        ],
        parts=expand(
            rules.translate_shard.output.part,
            method=RUN.methods,
            direction=CONFIGURATION.directions,
            shard=RUN.shards,
        ),
        homogenised=expand(
            rules.homogenise.output.homogenised,
            method=RUN.methods,
            base=RUN.direction_to,
        ),
        ledger=rules.build_ledger.output.ledger,
        diffs=rules.grade_catalogues.input.diffs,
        diff_rows=expand(rules.compare_catalogue.output.rows, direction=RUN.compared),
        regenerated=expand(
            f"{RESULTS}/catalogues/{COMPARED}/{{direction}}.parquet",
            direction=RUN.compared,
        ),
    output:
        facts=f"{RESULTS}/figures/facts.json",
        figures=[in_report(path) for path in RUN.figures],
        record=record_of("draw_figures"),
    log:
        log_of("draw_figures"),
    benchmark:
        benchmark_of("draw_figures")
    conda:
        "../../envs/workflow.yaml"
    threads: 2
    resources:
        **RUN.resources("draw_figures"),
    params:
        **RUN.step("spectrotranslator.report.draw_figures"),
    shell:
        "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1"
        " {params.command} --processes {threads} > {log:q} 2>&1"


rule write_page:
    input:
        templates=RUN.page_templates,
        verdict=rules.grade_catalogues.output.verdict,
        ledger=rules.build_ledger.output.ledger,
        facts=rules.draw_figures.output.facts,
        figures=[path for path in RUN.figures if path.endswith(".svg")],
        evaluations=rules.draw_figures.input.evaluations,
        validation=RUN.validation,
        fingerprints=expand(
            rules.read_fingerprint.output.fingerprint, direction=RUN.compared
        ),
        diffs=rules.grade_catalogues.input.diffs,
        records=records_before("write_page", "write_crate", "write_manifest"),
    output:
        page=f"{RESULTS}/report/index.html",
        run=f"{RESULTS}/report/run.json",
        graph=[
            in_report(f"{RESULTS}/figures/rules.{suffix}")
            for suffix in ("svg", "pdf", "csv")
        ],
        record=record_of("write_page"),
    log:
        log_of("write_page"),
    benchmark:
        benchmark_of("write_page")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("spectrotranslator.report.write_page"),
    shell:
        "{params.command} > {log:q} 2>&1"
