import io
import json
import shutil

import pytest

from ner.corpus.conll2012 import read_conll2012
from ner.corpus.conllx import read_conllx

CONLL2012 = """#begin document (nw/tiny); part 000
nw/tiny   0   0   Gita    NNP  (TOP(S(NP*)   -   -   -   A_B   (LAW)   -
nw/tiny   0   1  lives    VBZ         (VP*   -   -   -   A_B       *   -
nw/tiny   0   2     in     IN         (PP*   -   -   -   A_B       *   -
nw/tiny   0   3    Ulm    NNP      (NP*)))   -   -   -   A_B       *   -
nw/tiny   0   4      .      .          *))   -   -   -   A_B       *   -

#end document
"""
CONLLU = """# newdoc id = tiny
# text = Gita lives in Ulm.
1\tGita\t_\tPROPN\tNNP\t_\t2\tnsubj\t_\tEntity=B-LAW
2\tlives\t_\tVERB\tVBZ\t_\t0\troot\t_\t_
3\tin\t_\tADP\tIN\t_\t4\tcase\t_\t_
4\tUlm\t_\tPROPN\tNNP\t_\t2\tobl\t_\tSpaceAfter=No
5\t.\t_\tPUNCT\t.\t_\t2\tpunct\t_\t_
"""


@pytest.fixture
def predict(run_directory, tmp_path, run_command):
    """Predicts on a text: `predict(text, name, *options)` gives status, errors and the output file."""

    def run(text, name="input.conllu", *options):
        (tmp_path / name).write_text(text)
        output = tmp_path / f"output-{name}"
        status, errors = run_command(
            "predict", f"run={run_directory}", f"input={tmp_path / name}", f"output={output}", "device=cpu", *options
        )
        return status, errors, output

    return run


def test_conllu_keeps_all_but_the_entities(predict):
    status, errors, output = predict(CONLLU)
    assert (status, errors) == (0, "")
    (sentence,) = read_conllx(output)
    assert [(span.start, span.end, span.label) for span in sentence.spans] == [(0, 1, "PERSON"), (3, 4, "GPE")]
    restored = output.read_text().replace("B-PERSON", "B-LAW").replace("|Entity=B-GPE", "")
    assert restored == CONLLU


def test_conllx_keeps_all_but_the_last_column(predict, corpus_files):
    text = (corpus_files / "test.conllx").read_text()
    cleared = text.replace("B-PERSON", "O").replace("I-PERSON", "O").replace("B-GPE", "O")
    outputs = []
    for name, content, chunk in (("a.conllx", text, 4096), ("b.conllx", cleared, 3)):
        status, _, output = predict(content, name, f"chunk={chunk}")
        assert status == 0
        outputs.append(output.read_text())
    assert outputs[0] == outputs[1]
    assert "B-PERSON" in outputs[0]
    columns = [[line.split("\t")[:10] for line in content.splitlines()] for content in (text, outputs[0])]
    assert columns[0] == columns[1]


def test_conll2012_keeps_all_but_the_entities(predict):
    options = ("dependencies=given", "missing_trees=self_heads")
    status, errors, output = predict(CONLL2012, "input.gold_conll", *options)
    assert (status, errors) == (0, "")
    before, after = CONLL2012.splitlines(), output.read_text().splitlines()
    assert [line.split()[:10] for line in before] == [line.split()[:10] for line in after]
    assert [line.split()[-1:] for line in before] == [line.split()[-1:] for line in after]
    assert {span.label for sentence in read_conll2012(output) for span in sentence.spans} <= {"PERSON", "GPE"}


def test_output_is_not_overwritten_unless_it_may_be(predict):
    predict(CONLLU)
    status, errors, output = predict(CONLLU)
    assert status == 1
    assert errors == f"error: output={output} exists already: choose another, or overwrite=true\n"
    assert predict(CONLLU, "input.conllu", "overwrite=true")[0] == 0


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("", "empty.conllx", "the file is empty"),
        ("# newdoc\n\n", "none.conllx", "there is no sentence in it"),
        (CONLLU.replace("\t4\tcase", "\t9\tcase"), "head.conllu", "head.conllu:5: the head is 9"),
        (CONLL2012, "tree.gold_conll", "no dependency tree"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_output(predict, text, name, message):
    status, errors, output = predict(text, name)
    assert status == 1
    assert message in errors
    assert len(errors.splitlines()) == 1
    assert not output.exists()


def test_tags_that_are_replaced_may_be_malformed(predict):
    status, errors, output = predict("Gita S-LAW\nmet B-LAW\nUlm O\n", "input.conll", "missing_trees=self_heads")
    assert (status, errors) == (0, "")
    assert [line.split()[0] for line in output.read_text().splitlines()] == ["Gita", "met", "Ulm"]


def test_a_missing_input_is_said_so(run_directory, tmp_path, run_command):
    status, errors = run_command("predict", f"run={run_directory}", "input=/nowhere", f"output={tmp_path / 'x'}")
    assert (status, errors) == (1, "error: input=/nowhere: no such file\n")


@pytest.mark.parametrize(
    ("formalism", "name", "works"), [("sd", "x.conllu", False), ("ud", "x.conllx", False), ("ud", "x.conllu", True)]
)
def test_heads_of_a_file_are_used_where_their_formalism_is_known(
    run_directory, tmp_path, run_command, formalism, name, works
):
    run = shutil.copytree(run_directory, tmp_path / "run")
    environment = json.loads((run / "environment.json").read_text())
    (run / "environment.json").write_text(json.dumps(environment | {"formalism": formalism}))
    (tmp_path / name).write_text(CONLLU)
    arguments = (f"run={run}", f"input={tmp_path / name}", f"output={tmp_path / 'out'}")
    status, errors = run_command("predict", *arguments)
    assert status == (0 if works else 1)
    assert works or f"add dependencies=given if they are '{formalism}' too" in errors
    assert run_command("predict", *arguments, "dependencies=given", "overwrite=true")[0] == 0


def test_a_run_trained_on_heads_of_known_formalism_takes_a_converters(compose_config, tiny, tmp_path, run_command):
    from ner.train import train_and_score

    overrides = [*tiny, "dependencies.formalism=ud", "training.epochs=1"]
    train_and_score(compose_config("train", *overrides), tmp_path / "run")
    environment = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert environment["formalism"] == "ud"
    assert environment["trees"] == {"provider": "given", "formalism": "ud"}
    (tmp_path / "in.conllx").write_text(CONLLU)
    arguments = (f"run={tmp_path / 'run'}", f"input={tmp_path / 'in.conllx'}", f"output={tmp_path / 'out'}")
    for dependencies in ("dependencies=sd", "dependencies=given dependencies.formalism=sd"):
        status, errors = run_command("predict", *arguments, *dependencies.split())
        assert status == 1
        assert "trained with dependencies 'ud', these are 'sd'" in errors
    assert run_command("predict", *arguments, "dependencies=given", "dependencies.formalism=ud")[0] == 0
    status, errors = run_command("predict", *arguments, "dependencies=ud", "overwrite=true")
    assert "a dependency tree of its own and no parse to make one of formalism ud from" in errors


@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_malformed_heads_are_repaired_on_request(run_directory, tmp_path, run_command, command):
    run = shutil.copytree(run_directory, tmp_path / "run")
    (tmp_path / "in.conllu").write_text(CONLLU.replace("2\tnsubj", "0\tnsubj"))
    files = (f"input={tmp_path / 'in.conllu'}", f"output={tmp_path / 'out'}")
    files = files if command == "predict" else (f"files={tmp_path / 'in.conllu'}",)
    status, errors = run_command(command, f"run={run}", *files)
    assert status == 1
    assert "in.conllu:3: a tree has one root, found 2" in errors
    for accepting in ("self_heads", "repair"):
        options = ("overwrite=true",) if command == "predict" else ()
        assert run_command(command, f"run={run}", *files, f"malformed_trees={accepting}", *options)[0] == 0


def test_a_strangers_formalism_opens_no_other_file(run_directory, tmp_path, run_command):
    run = shutil.copytree(run_directory, tmp_path / "run")
    environment = json.loads((run / "environment.json").read_text())
    (tmp_path / "evil.yaml").write_text("_target_: os.abort\n")
    (run / "environment.json").write_text(json.dumps(environment | {"formalism": str(tmp_path / "evil")}))
    (tmp_path / "x.conll").write_text(CONLL2012)
    status, errors = run_command("predict", f"run={run}", f"input={tmp_path / 'x.conll'}", f"output={tmp_path / 'y'}")
    assert status == 1
    assert "where a name such as ud or zh-sd is needed" in errors


def test_a_model_without_trees_needs_none(compose_config, tiny, tmp_path, run_command):
    from ner.train import train_and_score

    options = [option for option in tiny if "relation_size" not in option]
    train_and_score(compose_config("train", *options, "model=bilstm_crf", "training.epochs=1"), tmp_path / "run")
    source, output = tmp_path / "input.gold_conll", tmp_path / "output.gold_conll"
    source.write_text(CONLL2012)
    status, _ = run_command("predict", f"run={tmp_path / 'run'}", f"input={source}", f"output={output}", "device=cpu")
    assert status == 0
    (sentence,) = read_conll2012(output)
    assert sentence.words == ("Gita", "lives", "in", "Ulm", ".")
    status, _ = run_command("evaluate", f"run={tmp_path / 'run'}", f"files={source}", "device=cpu")
    assert status == 0


TEXT = "Gita lives in Ulm.\nWe met Ulm Gita! \n"


@pytest.fixture
def run_on_texts(run_directory, run_command, tmp_path):
    """Runs the command on texts, whose trees may be missing: gives status, errors and the documents written."""

    def run(source, *options, output="out.jsonl"):
        status, errors = run_command(
            "predict",
            f"run={run_directory}",
            f"input={source}",
            f"output={tmp_path / output}",
            "device=cpu",
            "missing_trees=self_heads",
            *options,
        )
        path = tmp_path / output
        lines = path.read_text().splitlines() if path.is_file() and path.suffix == ".jsonl" else []
        return status, errors, [json.loads(line) for line in lines]

    return run


def test_a_text_becomes_a_document_with_offsets_and_probabilities(run_on_texts, tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    status, errors, (document,) = run_on_texts(tmp_path / "a.txt", "k=2")
    assert (status, errors) == (0, "")
    assert (document["text"], document["name"]) == (TEXT, str(tmp_path / "a.txt"))
    assert [(sentence["start"], sentence["end"]) for sentence in document["sentences"]] == [(0, 18), (19, 35)]
    for sentence in document["sentences"]:
        assert [reading["probability"] > 0 for reading in sentence["readings"]] == [True, True]
        for reading in sentence["readings"]:
            for entity in reading["entities"]:
                assert TEXT[entity["start"] : entity["end"]] == entity["text"]
                assert 0 < entity["probability"] <= 1


def test_a_folder_a_pattern_and_json_lines(run_on_texts, tmp_path):
    folder = tmp_path / "texts"
    (folder / "b").mkdir(parents=True)
    (folder / "a.txt").write_text(TEXT)
    (folder / "b" / "c.jsonl").write_text('{"text": "Ada met Ulm.", "id": 7}\n\n{"text": ""}\n')
    for source in (folder, f"'{folder}/**/*.*'"):
        _, errors, documents = run_on_texts(source, "overwrite=true")
        assert errors == ""
        assert [document["text"] for document in documents] == [TEXT, "Ada met Ulm.", ""]
        assert [document["name"] for document in documents][1:] == ["7", f"{folder / 'b' / 'c.jsonl'}:3"]


def test_the_standard_input(run_on_texts, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"text": "Ada met Ulm."}\n')))
    _, errors, (document,) = run_on_texts("-", "input_format=jsonl")
    assert (errors, document["name"]) == ("", "standard input:1")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(TEXT.encode())))
    _, _, (document,) = run_on_texts("-", "overwrite=true")
    assert document["text"] == TEXT
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(CONLLU.encode())))
    assert run_on_texts("-", "input_format=conll", "overwrite=true")[2][0]["name"] == "tiny"


def test_conll_becomes_documents_or_copies_in_a_folder(run_on_texts, tmp_path):
    folder = tmp_path / "files"
    (folder / "x").mkdir(parents=True)
    for name in ("a.conllu", "x/b.conllu"):
        (folder / name).write_text(CONLLU)
    _, errors, documents = run_on_texts(folder, "dependencies=given")
    assert errors == ""
    assert [document["name"] for document in documents] == ["tiny", "tiny"]
    assert documents[0]["text"] == "Gita lives in Ulm ."
    assert [(entity["text"], entity["label"]) for entity in documents[0]["entities"]] == [
        ("Gita", "PERSON"),
        ("Ulm", "GPE"),
    ]
    assert run_on_texts(folder, "dependencies=given", output="copies")[:2] == (0, "")
    assert {path.relative_to(tmp_path / "copies").as_posix() for path in (tmp_path / "copies").rglob("*.conllu")} == {
        "a.conllu",
        "x/b.conllu",
    }
    (tmp_path / "copies" / "a.conllu").unlink()
    status, errors, _ = run_on_texts(folder, "dependencies=given", output="copies")
    assert (status, "b.conllu exists already" in errors) == (1, True)
    assert not (tmp_path / "copies" / "a.conllu").exists()  # what is refused writes nothing


def test_a_bad_document_is_named_and_the_others_go_on(run_on_texts, tmp_path):
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "a.txt").write_text(TEXT)
    (folder / "b.txt").write_bytes(b"Ada\n\xff met")
    (folder / "c.jsonl").write_text('{"text": "Ada met Ulm."}\n{"txt": 1}\n[]\n{\n{"text": "Graz."}\n')
    status, errors, documents = run_on_texts(folder)
    assert (status, documents) == (1, [])
    assert errors == f"error: {folder / 'b.txt'}:2: byte 0xff is not UTF-8\n"
    assert not list(tmp_path.glob("*out.jsonl*"))
    status, _, documents = run_on_texts(folder, "on_error=skip")
    assert status == 0
    assert [document["text"] for document in documents] == [TEXT, "Ada met Ulm.", "Graz."]


def test_a_sentence_without_a_tree_is_one_bad_document(run_on_texts, tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "Ada met Ulm.", "id": "one"}\n{"text": "", "id": "two"}\n')
    status, errors, _ = run_on_texts(tmp_path / "a.jsonl", "missing_trees=error")
    assert (status, "one, character 0: the sentence has no dependency tree" in errors) == (1, True)
    _, _, documents = run_on_texts(tmp_path / "a.jsonl", "missing_trees=error", "on_error=skip")
    assert [document["name"] for document in documents] == ["two"]


def test_brat_and_a_web_page(run_on_texts, tmp_path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.conllu").write_text(CONLLU)
    source = tmp_path / "files"
    assert run_on_texts(source, "dependencies=given", "output_format=brat", output="brat")[:2] == (0, "")
    assert {path.name for path in (tmp_path / "brat").iterdir()} == {"annotation.conf", "tiny.ann", "tiny.txt"}
    assert "T1\tPERSON 0 4\tGita" in (tmp_path / "brat" / "tiny.ann").read_text()
    assert run_on_texts(source, "dependencies=given", output="page.html")[:2] == (0, "")
    assert "Gita" in (tmp_path / "page.html").read_text()
    assert "needs a file or folder" in run_on_texts(source, "output_format=html", "output=-")[1]


def test_annotations_of_others_are_not_overwritten(run_on_texts, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "tiny.txt").write_text(TEXT)
    (tmp_path / "in" / "tiny.ann").write_text("by hand")
    for present in ("tiny.txt", "tiny.ann", "annotation.conf"):
        (tmp_path / "out").mkdir(exist_ok=True)
        (tmp_path / "out" / present).write_text("by hand")
        status, told = run_on_texts(tmp_path / "in", "output_format=brat", output="out")[:2]
        assert (status, f"{present} exists already: choose another output, or overwrite=true" in told) == (1, True)
        assert (tmp_path / "out" / present).read_text() == "by hand"
        shutil.rmtree(tmp_path / "out")
    for options, expected in (([], 0), ([], 1), (["overwrite=true"], 0)):
        assert run_on_texts(tmp_path / "in", "output_format=brat", *options, output="out")[0] == expected
    assert (tmp_path / "in" / "tiny.ann").read_text() == "by hand"


def test_brat_keeps_the_folders_of_the_input(run_on_texts, tmp_path):
    for name in ("a", "b"):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "news.txt").write_text(TEXT)
    assert run_on_texts(tmp_path / "in", "output_format=brat", output="out")[0] == 0
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.ann")) == [
        "a/news.ann",
        "b/news.ann",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["on_error=ask"], "on_error is 'ask': it must be stop or skip"),
        (["output_format=xml"], "output_format=xml: choose one of"),
        (["input_format=xml"], "input_format=xml: choose one of"),
        (["output_format=conll"], "texts are written as jsonl, brat or html"),
        (["k=-1"], "k is -1"),
    ],
)
def test_wrong_options_are_one_line(run_on_texts, tmp_path, options, message):
    (tmp_path / "a.txt").write_text(TEXT)
    status, errors, _ = run_on_texts(tmp_path / "a.txt", *options)
    assert status == 1
    assert message in errors
    assert len(errors.splitlines()) == 1


def test_texts_and_conll_are_not_mixed(run_on_texts, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text(TEXT)
    (tmp_path / "in" / "b.conllu").write_text(CONLLU)
    assert "choose one kind with input_format" in run_on_texts(tmp_path / "in")[1]
    assert "no file in this folder" in run_on_texts((tmp_path / "empty").mkdir() or tmp_path / "empty")[1]
    assert "no such file matches" in run_on_texts(f"'{tmp_path}/*.none'")[1]
