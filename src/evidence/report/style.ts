/** The style sheet of the report: for a screen, and for A4 on paper. */
export const STYLE: string = `
:root{--ink:#14191c;--soft:#434d53;--faint:#5c676d;--line:#d5dcde;--wash:#f1f4f4;--accent:#0b5f6f;--bad:#a3102f;--badwash:#fbe9ec;--warnwash:#fdf3d9;--warn:#7a4b00;--good:#1d6b3f;--goodwash:#e6f2ea}
*{box-sizing:border-box}
html{font:10.5pt/1.45 "Liberation Sans","Helvetica Neue",Arial,sans-serif;color:var(--ink);background:#fff}
body{max-width:186mm;margin:12mm auto;padding:0 6mm}
h1{font-size:25pt;line-height:1.15;margin:0 0 5mm;letter-spacing:-.01em}
h2{font-size:14.5pt;line-height:1.2;margin:11mm 0 3mm;padding-top:3mm;border-top:1.5px solid var(--ink);break-after:avoid}
h3{font-size:11pt;margin:6mm 0 2mm;break-after:avoid}
p{margin:0 0 3mm;max-width:160mm;orphans:3;widows:3}
header{border-top:4px solid var(--accent);padding-top:6mm}
.kind{font-size:11pt;color:var(--accent);font-weight:700;margin:0 0 1mm}
.facts{margin:0;display:grid;gap:1.2mm}
.facts div{display:grid;grid-template-columns:26mm 1fr;gap:4mm;align-items:baseline}
.facts dt{color:var(--faint)}
.facts dd{margin:0;overflow-wrap:anywhere}
.mono,code,.id{font-family:"Liberation Mono","DejaVu Sans Mono",Consolas,monospace;font-size:.86em;overflow-wrap:anywhere}
table{width:100%;border-collapse:collapse;margin:0 0 4mm;font-size:9.3pt}
thead{display:table-header-group}
th,td{text-align:left;vertical-align:baseline;padding:1.3mm 2.4mm 1.3mm 0;border-bottom:1px solid var(--line)}
thead th{font-weight:600;color:var(--faint);font-size:8.6pt;border-bottom-color:var(--faint)}
tbody th{font-weight:600}
tr{break-inside:avoid}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.when{white-space:nowrap;font-variant-numeric:tabular-nums}
.narrow{width:auto;min-width:90mm}
.narrow .n{padding-left:6mm}
.items td:last-child{overflow-wrap:anywhere}
.id,.nb{white-space:nowrap}.group{break-after:avoid}.group th{padding-top:4mm}h2+p:has(+table:not(.roots)){break-after:avoid}
.narrow th,.narrow td{padding-top:.9mm;padding-bottom:.9mm}
.gates th:not(:first-child),.gates td:not(:first-child){text-align:right}
.plain{margin:1mm 0 2mm;padding-left:5mm}
.tiles{display:grid;grid-template-columns:repeat(6,1fr);gap:3mm;list-style:none;margin:0 0 5mm;padding:0}
.tiles li{border-top:2px solid var(--accent);padding-top:1.5mm}
.tiles b{display:block;font-size:18pt;line-height:1.15;font-variant-numeric:tabular-nums}
.tiles span{font-size:8.8pt;color:var(--soft)}
.tiles .warn{border-top-color:var(--warn)}
.tiles .warn b{color:var(--warn)}
.verdict,.note{padding:2.5mm 3.5mm;background:var(--wash);max-width:none}
.verdict.good{background:var(--goodwash)}
.verdict.bad,.note.bad{background:var(--badwash)}
.note.warn{background:var(--warnwash)}
.badge{display:inline-block;padding:.2mm 2mm;border-radius:1mm;font-weight:700;white-space:nowrap;background:var(--warnwash);color:var(--warn)}
.badge.pass{background:var(--goodwash);color:var(--good)}
.badge.fail{background:var(--badwash);color:var(--bad)}
figure{margin:2mm 0 6mm;break-inside:avoid}
figure svg{width:100%;height:auto;display:block}
figcaption{font-size:9pt;color:var(--soft);margin-top:1mm}
.legend{display:flex;flex-wrap:wrap;gap:1mm 5mm;list-style:none;margin:0 0 3mm;padding:0;font-size:9pt}
.key{overflow:visible;width:3mm;height:3mm;margin-right:1.5mm;vertical-align:-.3mm}
.grid{stroke:var(--line);stroke-width:1}
.tick{font-size:10.5px;fill:var(--faint)}
.label{font-size:12px;fill:var(--ink)}
.end{text-anchor:end}.mid{text-anchor:middle}
.r-passed{fill:#a9bcc1}.r-approved{fill:#0b5f6f}.r-denied_policy{fill:#d9822b}.r-denied_people{fill:#a3102f}.r-lapsed{fill:#7d6fa3}.r-open{fill:#fff;stroke:#434d53;stroke-width:1.2}
.item{break-inside:avoid;border-top:1px solid var(--faint);padding:3mm 0 2mm}
.item h3{margin:0 0 1mm;font-size:10.8pt}
.item h3 .n{color:var(--faint);font-weight:400}
.item dl{display:grid;grid-template-columns:27mm 1fr;gap:.7mm 3mm;margin:0;font-size:9.3pt}
.item dt{color:var(--faint)}
.item dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
p,.note,.steps li,.roots,.narrow,.gates{break-inside:avoid}
.claim{color:var(--soft)}
.more{font-size:9pt;color:var(--faint)}
pre{font:8.4pt/1.5 "Liberation Mono","DejaVu Sans Mono",Consolas,monospace;background:var(--wash);padding:3mm;white-space:pre-wrap;overflow-wrap:anywhere;break-inside:avoid;margin:0 0 3mm}
ol.steps{padding-left:5mm}ol.steps li{margin-bottom:2mm}
.toc{columns:2;font-size:9.6pt;list-style:none;padding:0;margin:5mm 0 0}
.toc a{color:inherit;text-decoration:none}
@media (max-width:700px){.tiles{grid-template-columns:repeat(3,1fr)}.toc{columns:1}body{margin:4mm auto}table{display:block;overflow-x:auto}}
@page{size:A4;margin:16mm 14mm 18mm}
@page{@bottom-right{content:counter(page) " / " counter(pages);font:8pt "Liberation Sans",Arial,sans-serif;color:#5c676d}@bottom-left{content:"Evidence of privileged actions";font:8pt "Liberation Sans",Arial,sans-serif;color:#5c676d}}
@media print{body{margin:0;padding:0;max-width:none}html{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;
