const form = document.querySelector("keycheck-form");
const connect = form.querySelector("button");
const note = document.querySelector("#note");

form.addEventListener("keycheck:verdict", ({ detail }) => {
  const [first] = detail.verdict.diagnosis;
  note.textContent = first ? `Need help with ${first.cause}? Our support knows it by this name.` : "Your key is fit. One more click.";
});

connect.addEventListener("click", async () => {
  const tested = form.tested; // null if anything was changed since
  if (!tested) return;
  const headers = { "Content-Type": "application/json", "X-Session-Token": form.getAttribute("token") };
  const answer = await fetch("accounts", { method: "POST", headers, body: JSON.stringify(tested) });
  if (!answer.ok) {
    note.textContent = (await answer.json()).detail;
    return;
  }
  const account = document.createElement("li");
  account.textContent = `Binance account, key ending in ${tested.apiKey.slice(-4)}: connected`;
  document.querySelector("#accounts").append(account);
  note.textContent = "Your account is connected.";
});
