// SPDX-License-Identifier: Apache-2.0
// The token goes into a header, never into an address; the coordinator answers
// with a cookie that scripts cannot read.
(() => {
"use strict";
const {byId} = window.logtally;

byId("form").addEventListener("submit", async e => {
  e.preventDefault();
  const wrong = byId("wrong");
  const token = byId("token").value.trim();
  wrong.textContent = "";
  try {
    const answer = await fetch("/session", {cache: "no-store",
      headers: {Authorization: `Bearer ${token}`}});
    if (answer.status === 204) {
      location.replace("/");
      return;
    }
    wrong.textContent = answer.status === 401 ? "This is not the token." :
      `The coordinator answered ${answer.status}.`;
  } catch {
    wrong.textContent = /^[\x20-\x7e]*$/.test(token) ?
      "The coordinator does not answer." : "This is not the token.";
  }
  byId("token").focus();
});
})();
