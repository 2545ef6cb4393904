import csv
import io

import pytest

from ner.analysis.charts import Estimate
from ner.analysis.tables import FORMATS, Table, best_in_column, best_in_row, to_csv, to_latex, to_markdown, to_text

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


def test_the_best_is_bold():
    best = Table(
        title="T",
        header=("s", "F1", "n"),
        rows=[("a", Estimate(84.2, 0.1), 1), ("b", 90.0, 1234)],
        best=frozenset({(0, 1), (1, 2)}),
    )
    assert "| a   | **84.20 ± 0.10** |         1 |" in to_markdown(best)
    assert "| b   |            90.00 | **1,234** |" in to_markdown(best)
    assert "a & $\\mathbf{84.20 \\pm 0.10}$ & $1$" in to_latex(best)
    assert "b & $90.00$ & $\\mathbf{1{,}234}$" in to_latex(best)


def test_the_best_values_are_found_as_they_are_shown():
    rows = [("a", Estimate(1.001), 3, None), ("b", 1.004, 2, 5.0), ("c", 0.5, "x", None)]
    assert best_in_column(rows, 1) == {(0, 1), (1, 1)}
    assert best_in_column(rows, 2) == {(0, 2)}
    assert best_in_column(rows, 3) == set()  # nothing to compare it with
    assert best_in_row(rows, 1, (1, 2, 3)) == {(1, 3)}
    assert best_in_row(rows, 1, (1, 2, 3), choose=min) == {(1, 1)}


FORMULAS = ["=1+1", "+x", "-x", "@SUM(A1)", "\t=1", "\r=1", "\uff1d1", "+1 2", "-1+cmd|' /C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_nothing_in_a_csv_file_is_a_formula(text):
    table = Table(title="", header=("a", text), rows=[(text, 1.5), ("b", text)])
    cells = [cell for row in csv.reader(io.StringIO(to_csv(table), newline="")) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")) for cell in cells)
    assert len([cell for cell in cells if text.strip() in cell]) == 3


def test_numbers_in_a_csv_file_keep_their_sign():
    table = Table(title="", header=("a", "b", "c"), rows=[("x", -0.5, "+1.66"), ("y", 3, "-2")])
    assert to_csv(table).splitlines()[1:] == ["x,-0.5,+1.66", "y,3,-2"]


def test_what_a_terminal_would_obey_is_escaped():
    table = Table(title="", header=("a\n", "b"), rows=[("\x1b[31m", "x")])
    assert "\x1b" not in to_markdown(table)
    assert "\\x1b[31m" in to_markdown(table)
    assert "a\\n" in to_markdown(table)
