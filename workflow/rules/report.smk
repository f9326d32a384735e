# What a person looks at first.


localrules:
    write_page,


rule draw_figures:
    input:
        samples=training_samples(),
        stars=[f"{RESULTS}/sample/{survey}.parquet" for survey in SURVEYS],
        judged=[path for path in evaluations() if path.endswith(".parquet")],
        evaluations=[path for path in evaluations() if path.endswith(".json")],
        histories=histories(),
        importance=importances(),
        parts=translated_parts(),
        homogenised=homogenised_catalogues(),
        ledger=rules.build_ledger.output.ledger,
        diffs=rules.judge.input.diffs,
        diff_rows=expand(rules.compare_catalogue.output.rows, direction=COMPARED),
        regenerated=[catalogue_of(COMPARED_METHOD, d, "parquet") for d in COMPARED],
    output:
        facts=f"{RESULTS}/figures/facts.json",
        figures=[in_report(path) for path in figure_files()],
        record=record_of("draw"),
    log:
        log_of("draw"),
    benchmark:
        benchmark_of("draw")
    conda:
        "../../envs/workflow.yaml"
    threads: 2
    resources:
        mem_mb=memory_of("draw_figures"),
        runtime=minutes_of("draw_figures"),
        disk_mb=disk_of("draw_figures"),
    params:
        config=RESOLVED,
        settings=settings("methods", "directions", "surveys"),
        code=code_digest("figures.draw"),
    shell:
        "OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1"
        " python -m spectrotranslator.figures.draw --config {params.config:q}"
        " --samples {input.samples:q} --stars {input.stars:q} --judged {input.judged:q}"
        " --evaluations {input.evaluations:q} --histories {input.histories:q}"
        " --importance {input.importance:q} --parts {input.parts:q}"
        " --homogenised {input.homogenised:q} --ledger {input.ledger:q}"
        " --diffs {input.diffs:q} --diff-rows {input.diff_rows:q}"
        " --regenerated {input.regenerated:q} --processes {threads} --facts {output.facts:q}"
        " --figures {output.figures:q} --record {output.record:q} > {log:q} 2>&1"


rule write_page:
    input:
        templates=PAGE_TEMPLATES,
        verdict=rules.judge.output.verdict,
        ledger=rules.build_ledger.output.ledger,
        facts=rules.draw_figures.output.facts,
        figures=[path for path in figure_files() if path.endswith(".svg")],
        evaluations=[path for path in evaluations() if path.endswith(".json")],
        fingerprints=[fingerprint_of(direction) for direction in COMPARED],
        diffs=rules.judge.input.diffs,
        records=[record_of(job) for job in jobs_before_the_manifest() if job != "page"],
    output:
        page=f"{RESULTS}/report/index.html",
        run=f"{RESULTS}/report/run.json",
        graph=[in_report(path) for path in graph_of_rules()],
        record=record_of("page"),
    log:
        log_of("page"),
    benchmark:
        benchmark_of("page")
    conda:
        "../../envs/workflow.yaml"
    params:
        config=RESOLVED,
        settings=digest(SETTINGS),
        code=code_digest("figures.page"),
    shell:
        "python -m spectrotranslator.figures.page --config {params.config:q}"
        " --templates {input.templates:q} --verdict {input.verdict:q}"
        " --ledger {input.ledger:q} --facts {input.facts:q} --figures {input.figures:q}"
        " --evaluations {input.evaluations:q} --diffs {input.diffs:q}"
        " --fingerprints {input.fingerprints:q} --records {input.records:q}"
        " --page {output.page:q} --run {output.run:q} --graph {output.graph:q}"
        " --record {output.record:q} > {log:q} 2>&1"
