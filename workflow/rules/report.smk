# What a person looks at first.


localrules:
    write_page,


rule draw_figures:
    input:
        samples=[
            f"{RESULTS}/sample/{Path(ledger).stem}.parquet" for ledger in ledgers()
        ],
        weights=[path for network in networks() for path in members_of(*network)],
        histories=histories(),
        importance=importances(),
        diffs=rules.judge.input.diffs,
        diff_rows=expand(rules.compare_catalogue.output.rows, direction=COMPARED),
        homogenised=homogenised_catalogues(),
    output:
        facts=f"{RESULTS}/figures/facts.json",
        figures=figure_files(),
        record=record_of("draw"),
    log:
        log_of("draw"),
    benchmark:
        benchmark_of("draw")
    conda:
        "../../envs/workflow.yaml"
    resources:
        mem_mb=memory_of("draw_figures"),
        runtime=minutes_of("draw_figures"),
        disk_mb=disk_of("draw_figures"),
    params:
        config=RESOLVED,
        settings=settings("methods", "directions", "surveys", "compute.threads"),
        code=code_digest("figures.draw"),
    shell:
        "python -m spectrotranslator.figures.draw --config {params.config:q}"
        " --samples {input.samples:q} --weights {input.weights:q}"
        " --histories {input.histories:q} --importance {input.importance:q}"
        " --diffs {input.diffs:q} --diff-rows {input.diff_rows:q}"
        " --homogenised {input.homogenised:q} --facts {output.facts:q}"
        " --figures {output.figures:q} --record {output.record:q} > {log:q} 2>&1"


rule write_page:
    input:
        template="workflow/spectrotranslator/figures/page.html",
        verdict=rules.judge.output.verdict,
        ledger=rules.build_ledger.output.ledger,
        facts=rules.draw_figures.output.facts,
        figures=rules.draw_figures.output.figures,
        evaluations=expand(rules.judge_methods.output.evaluation, direction=DIRECTIONS),
        fingerprints=[fingerprint_of(direction) for direction in COMPARED],
    output:
        page=f"{RESULTS}/report/index.html",
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
        " --template {input.template:q} --verdict {input.verdict:q} --ledger {input.ledger:q}"
        " --facts {input.facts:q} --figures {input.figures:q}"
        " --evaluations {input.evaluations:q}"
        " --fingerprints {input.fingerprints:q} --page {output.page:q}"
        " --record {output.record:q} > {log:q} 2>&1"
