include: "workflow/Snakefile"


rule reproduce:
    default_target: True
    input:
        rules.all.input,
