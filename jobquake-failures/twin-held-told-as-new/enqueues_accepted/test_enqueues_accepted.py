"""the enqueue of job 0, which the queue held, was answered as new at 0.0020 s.

Found and shrunk by jobquake. The guarantee that broke: what is legal to enqueue is accepted.
"""

from jobquake import assert_holds

REPLAY = (
    "jq1:eNrlUltuhDAMvIu_DSKLqHoXhFAanN0IL6EkKfT2tbPqKTZSLHn8yGQ0I-QzbM2DeGlylGBT"
    "s9EJCCk8AUega-d4kADPcNEC2OE4wvXe5wtwK8w1TJMKYplVrbfXZUJTBenaTpyiEeKqpvGWE1Xo"
    "Q-6AjfmHpKeKKa2gs5O6bvsuVCjN1jnas_oOtjhzTHk-47G-0qXsHJyV8kzek8tJcCabZJAuxyWF"
    "H3XufsT7QUm2-UzH_CDLUB-ClX51txEONyUyKO22x75vP9GgfmPAm4DaAV5oyqCAncC1Zuoa4f0H"
    "tGRTIzEkY8I"
)


def test_enqueues_accepted() -> None:
    assert_holds(REPLAY, "twin-held-told-as-new")
