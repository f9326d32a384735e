# The simulated sky: survey files, Gaia's photometry, and catalogues that stand for the published ones.


localrules:
    simulate_sky,


rule simulate_sky:
    output:
        galah=f"{SKY}/GALAH_DR3_main_allstar_v2.fits",
        vac=f"{SKY}/GALAH_DR3_VAC_GaiaEDR3_v2.fits",
        apogee=f"{SKY}/allStarLite-dr17-synspec_rev1.fits",
        gaia=f"{SKY}/gaia.parquet",
        truth=f"{SKY}/truth/truth.parquet",
        clusters=f"{SKY}/truth/clusters.csv",
        record=record_of("simulate_sky"),
    log:
        log_of("simulate_sky"),
    benchmark:
        benchmark_of("simulate_sky")
    conda:
        "../../envs/workflow.yaml"
    params:
        **RUN.step("minisky.simulate_sky"),
    shell:
        "{params.command} > {log:q} 2>&1"


if not RUN.stored_catalogues:

    localrules:
        publish_sky,

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
            record=record_of("publish_sky"),
        log:
            log_of("publish_sky"),
        benchmark:
            benchmark_of("publish_sky")
        conda:
            "../../envs/workflow.yaml"
        params:
            **RUN.step("minisky.publish_sky"),
        shell:
            "{params.command} > {log:q} 2>&1"
