"""The style sheet of the run report: a phone's width first, light and dark."""

CSS = """
:root{--ground:#fff;--panel:#f5f6f8;--line:#dde1e6;--ink:#1b1f24;--soft:#5b6470;--good:#1a7f37;
--bad:#c62828;--warn:#9a6700;--bar:#3b78c3;--pale:#c9d8ec}
@media(prefers-color-scheme:dark){:root{--ground:#12151a;--panel:#1b2027;--line:#313842;
--ink:#e6e9ed;--soft:#9aa4b1;--good:#56d364;--bad:#ff7b72;--warn:#e3b341;--bar:#6ba4ec;
--pale:#2c405a}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main,footer{max-width:60rem;margin:0 auto;padding:1rem}
h1{font-size:1.3rem;margin:.2rem 0 .8rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:2rem 0 .6rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
p{margin:.5rem 0;overflow-wrap:anywhere}
code{font:.9em ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
.badge{display:inline-block;margin:0;padding:.25rem .75rem;border:1px solid;border-radius:1rem;
font-weight:600}
.good{color:var(--good)}.bad{color:var(--bad)}.warning{color:var(--warn)}
.problem{padding:.7rem .9rem;border-left:4px solid var(--bad);background:var(--panel)}
.hint,footer{color:var(--soft);font-size:.9rem}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;margin:0}
.facts dt,.card span{color:var(--soft);font-size:.85rem}
.facts dd{margin:0;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.6rem}
.card{padding:.6rem .8rem;background:var(--panel);border-radius:.5rem}
.card b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto}
table{width:100%;border-collapse:collapse;font-size:.92rem}
th{color:var(--soft);font-weight:500}
th,td{padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line);text-align:left;
vertical-align:top;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
td:first-child,th{overflow-wrap:break-word}
.split{height:.8rem;border-radius:.4rem;background:var(--pale);overflow:hidden}
.split i{display:block;height:100%;background:var(--bar)}
.timeline{display:grid;grid-template-columns:1fr;row-gap:.1rem}
.state{display:flex;gap:.6rem;justify-content:space-between;font-size:.88rem;padding-top:.35rem}
.state span{color:var(--soft);text-align:right}
.track{background:var(--panel);border-radius:.2rem;padding:2px 0}
.track svg{display:block;width:100%}
.track rect,.track path{fill:var(--bar)}
.track .retried{fill:var(--warn)}.track .wait{fill:var(--pale)}
.axis{position:relative;height:1.6rem;font-size:.78rem;color:var(--soft)}
.axis span{position:absolute;padding-left:.25rem;border-left:1px solid var(--line);
white-space:nowrap}
.axis .end{padding:0 .25rem 0 0;border-width:0 1px 0 0;border-right:1px solid var(--line)}
@media(min-width:44rem){.timeline{grid-template-columns:17rem 1fr;column-gap:.8rem}
.state{padding:.15rem 0;align-items:center}.track{align-self:center}}
@media print{body{font-size:12px}}
"""
