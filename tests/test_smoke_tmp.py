import json, time
from tests.support.cli import call_cli, run_cli
def test_a(prefect_api, tmp_path, teacher):
    (tmp_path/"p.jsonl").write_text("".join(json.dumps({"instruction": f"Explain how number {n} relates to {w} things"})+"\n" for n,w in enumerate("apple river stone cloud".split())))
    (tmp_path/"r.yaml").write_text(json.dumps({"name":"t","teacher":teacher.options(),"generators":[{"kind":"respond","prompts":"p.jsonl"}, {"kind":"self_instruct","target":20}],"dedup":{"semantic":None}}))
    t=time.time(); r=call_cli("run","r.yaml","--json",cwd=tmp_path); print(time.time()-t, r); print(json.dumps(r.answer,indent=1))
    t=time.time(); r=call_cli("run","r.yaml","--json",cwd=tmp_path); print(time.time()-t)
    t=time.time(); r=run_cli("run","r.yaml","--json",cwd=tmp_path); print(time.time()-t, r.err)
    print(len(teacher.received), teacher.in_flight_max)
    for x in teacher.received[:8]: print(json.dumps(x.body)[:1500])
    assert 0
