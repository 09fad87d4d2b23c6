// SPDX-License-Identifier: Apache-2.0
// 300 texts that a page must show and never obey: what runs script, ends an
// element, an attribute or a string, fills a template, turns or hides text.
const run = "window.ran=1";
const seeds = [
  `<script>${run}</script>`, `</script><script>${run}</script>`,
  `</style><script>${run}</script>`, `</title><script>${run}</script>`,
  `<!--<script>${run}</script>-->`, `--><script>${run}</script>`,
  `<img src=x onerror=${run}>`, `<svg onload=${run}>`,
  `<svg><script>${run}</script></svg>`, `<body onload=${run}>`,
  `<iframe srcdoc="<script>parent.ran=1</script>">`,
  `<iframe src="javascript:parent.ran=1">`, `<a href="javascript:${run}">x</a>`,
  `<form action="javascript:${run}"><button>`, `<math href="javascript:${run}">`,
  `<input autofocus onfocus=${run}>`, `<details open ontoggle=${run}>`,
  `<video><source onerror=${run}>`, `<object data="javascript:${run}">`,
  `<link rel=stylesheet href="http://192.0.2.1/x.css">`,
  `<meta http-equiv=refresh content="0;url=http://192.0.2.1/">`,
  `<base href="http://192.0.2.1/">`, `<style>*{display:none}</style>`,
  `<img src="http://192.0.2.1/x.png">`, `<template><script>${run}</script>`,
  `" onmouseover="${run}" x="`, `' onmouseover='${run}' x='`,
  `"><img src=x onerror=${run}>`, `'><img src=x onerror=${run}>`,
  `\`;${run}//`, `";${run}//`, `';${run}//`, `\\";${run}//`,
  `{{constructor.constructor('${run}')()}}`, `\${${run}}`, `#{${run}}`,
  `<%= ${run} %>`, `{{7*7}}`, `[[${run}]]`, `javascript:${run}`,
  `data:text/html,<script>${run}</script>`, `&lt;script&gt;${run}&lt;/script&gt;`,
  `&#60;script&#62;${run}`, `\\u003cscript\\u003e${run}`, `%3Cscript%3E${run}`,
  `__proto__`, `constructor`, `toString`, `hasOwnProperty`, `null`, `-`, ` `,
  `\u202e<script>${run}</script>`, `abc\u202egpj.exe`, `\u2066a\u2069`,
  `a\u200bb`, `\ufeff`, `\u2028${run}\u2029`, `\u061c`, `\u{e0041}`,
  `\u001b[31mred`, `\u001b]0;x\u0007`, `\r\n\r\nHTTP/1.1`, `\t`, `\u0000`,
  `\b\b\b`, `\u007f`, `\u009b31m`, `e\u0301\u0301\u0301\u0301\u0301\u0301`,
  `\ud83d\udca9`, `\u0645\u0631\u062d\u0628\u0627`, `\ufdfa`, `W`.repeat(3000),
  `/${"a/".repeat(800)}`, `<b>`.repeat(300), `\u4e00`.repeat(500),
];

export const hostile = [];
for (const wrap of [s => s, s => `/${s}`, s => `/a?q="${s}"`,
  s => `Mozilla/5.0 ${s}`, s => `${s}${s}`, s => `x'${s}'>`]) {
  for (const s of seeds) {
    if (hostile.length < 300) hostile.push(wrap(s));
  }
}
