from ner.analysis.chart_tables import chart_table
from ner.analysis.charts import Curves, Estimate


def test_curves_by_epoch_with_gaps(charts):
    table = chart_table(charts[0])
    assert table.header == ("epoch", "with trees", "without <trees>")
    assert table.rows[0] == ("1", Estimate(81.0, 0.5), Estimate(75.5))
    assert table.rows[4] == ("5", Estimate(85.0, 0.5), None)


def test_dots_by_group(charts):
    assert list(chart_table(charts[1]).rows) == [
        ("PERSON", "n = 1,988", Estimate(91.0, 1.5), Estimate(87.5)),
        ("A & B", "n = 1", None, Estimate(0.0)),
    ]


def test_a_heat_map_by_row(charts):
    table = chart_table(charts[2])
    assert table.header == ("type \\ relation", "nsubj", "dobj", "<dep>")
    assert list(table.rows) == [("PERSON", 70, 30, 0.0), ("ORG", 12.25, 37.75, 50)]


def test_places_in_time_are_no_rows_that_curves_share():
    systems = {"one": {0.5: Estimate(80.0), 1.25: Estimate(81.0)}, "two": {0.75: Estimate(79.0)}}
    table = chart_table(Curves(name="c", title="T", x_axis="minutes", y_axis="F1 (%)", systems=systems))
    assert table.header == ("system", "minutes", "F1 (%)")
    assert table.rows == [
        ("one", "0.50", Estimate(80.0)),
        ("one", "1.25", Estimate(81.0)),
        ("two", "0.75", Estimate(79.0)),
    ]
