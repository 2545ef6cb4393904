import csv

import pytest

from ner.analysis.charts import Estimate
from ner.analysis.tables import FORMATS, Table, to_csv, to_latex, to_markdown, to_text

TABLE = Table(
    name="scores",
    title="Scores & more",
    note="100 % invented_data.",
    header=("system", "seeds", "F1", "difference", "why"),
    rows=[
        ("bilstm_crf", 3, Estimate(84.256, 0.104), -0.5, "a | b"),
        ("dglstm_crf", 12345, Estimate(86.0), None, "<"),
    ],
)


def test_markdown():
    assert to_markdown(TABLE) == (
        "**Scores & more**\n"
        "\n"
        "| system     |  seeds |           F1 | difference | why    |\n"
        "| ---------- | -----: | -----------: | ---------: | ------ |\n"
        "| bilstm_crf |      3 | 84.26 ± 0.10 |      -0.50 | a \\| b |\n"
        "| dglstm_crf | 12,345 |        86.00 |          - | <      |\n"
        "\n"
        "100 % invented_data.\n"
    )


def test_latex():
    assert to_latex(TABLE) == (
        "\\begin{table}\n"
        "  \\centering\n"
        "  \\begin{tabular}{lrrrl}\n"
        "    \\toprule\n"
        "    system & seeds & F1 & difference & why \\\\\n"
        "    \\midrule\n"
        "    bilstm\\_crf & $3$ & $84.26 \\pm 0.10$ & $-0.50$ & a | b \\\\\n"
        "    dglstm\\_crf & $12{,}345$ & $86.00$ & -- & $<$ \\\\\n"
        "    \\bottomrule\n"
        "  \\end{tabular}\n"
        "  \\caption{Scores \\& more. 100 \\% invented\\_data.}\n"
        "  \\label{tab:scores}\n"
        "\\end{table}\n"
    )


def test_csv_keeps_every_digit():
    head, *rows = csv.reader(to_csv(TABLE).splitlines())
    assert head == ["system", "seeds", "F1", "F1 (standard deviation)", "difference", "why"]
    assert rows == [
        ["bilstm_crf", "3", "84.256", "0.104", "-0.5", "a | b"],
        ["dglstm_crf", "12345", "86.0", "", "", "<"],
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_table_without_rows_is_a_head(suffix):
    text = FORMATS[suffix](Table(title="Nothing", header=("a", "b"), rows=[]))
    assert "a" in text


def test_cells():
    assert [to_text(cell) for cell in (1234, 0.005, None, "x", Estimate(1.0, 2.0))] == [
        "1,234",
        "0.01",
        "-",
        "x",
        "1.00 ± 2.00",
    ]


def test_a_row_of_another_length_is_refused():
    with pytest.raises(ValueError, match="a row of 1 cells under a header of 2"):
        Table(title="", header=("a", "b"), rows=[("a",)])
