/* <keycheck-form>: tests a Binance API key, and says what to do if it is not fit to trade USD-M futures.

   attributes  endpoint       the address that tests a key, "binance" of the page's own folder unless told otherwise
               save           the address that takes a tested key with its receipt; gives the form a button Save
               token-header   the name of a header that every request carries, such as X-CSRF-Token
               token          its value
               environment    "production" or "demo": the only one, in the place of the choice
               asks-token     shows a field for the server's token, sent as "Authorization: Bearer ..."
   slot        save           a button of the page's own in the place of Save, enabled while `tested` is there
   property    tested         the members of the request that was just answered OK, with its `receipt`; null after any
                              change of a field
   events      keycheck:check     detail: {check, step, severity, outcome, title}, for each check as it ends
               keycheck:verdict   detail: {verdict, receipt}; verdict: verdict.json, receipt: null unless it is OK
   parts       form, label, input, button, test, cancel, save, status, progress, problem, verdict, checks

   Texts of the server are set as text, never as markup. Nothing is stored, and nothing is sent but to these addresses. */

const SHARED = SHARED_WITH_THE_REPORT;

const LONGEST_PEM = 7000; // characters; the server takes a body of 8 KiB
const PRIVATE_KEY = /-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----/;
const UNREACHABLE =
  "The server could not be reached. See that it is running and that this machine is online, and try again.";
const BROKEN_OFF = "The server's answer broke off, or made no sense, so nothing is known about the key. Test it again.";
const ELSEWHERE =
  "The server sends this request to another page, such as that for signing in. Sign in again, and reload this page.";
const ANOTHER_TOKEN = "The server takes another token: give the one with which it was started.";
const NO_PRIVATE_KEY =
  "That is not a private key: its text begins with -----BEGIN PRIVATE KEY-----, or with a line like it.";
const UNPROTECTED =
  "This page came over an unprotected connection, on which others could read the key. Open it with https://.";
// What may be pasted around a key: the server's test leaves it out, and its receipt holds for the text without it.
const ODD = "[\\s\\x1c-\\x1f\\x85\\u200b-\\u200d\\u2060\"'`“”‘’«»]+";
const AROUND = new RegExp(`^${ODD}|${ODD}$`, "g");
const PLAIN = 'autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" part="input"';

const STYLE = new CSSStyleSheet();
STYLE.replaceSync(SHARED.style);

const SHELL = document.createElement("template");
SHELL.innerHTML = `
<form class="kc-page" part="form">
  <fieldset id="fields">
    <div hidden>
      <label for="token" part="label">Token of this server</label>
      <input id="token" type="hidden" required ${PLAIN}>
    </div>
    <div>
      <label for="key" part="label">API key</label>
      <input id="key" type="text" required ${PLAIN}>
    </div>
    <div>
      <label for="secret" part="label" id="secret-label">API secret</label>
      <div class="beside" id="typed">
        <input id="secret" type="password" required aria-describedby="hint" ${PLAIN}>
        <button type="button" id="show" part="button">Show<span class="kc-hidden"> the secret</span></button>
      </div>
      <div class="beside chosen" id="chosen" hidden>
        <span id="pem"></span>
        <button type="button" id="remove" part="button">Remove</button>
      </div>
      <p class="hint" id="hint">An Ed25519 or RSA key has a private key in its place: paste the PEM here, drop its file, or
        <button type="button" id="choose" class="link">choose the file</button>.</p>
      <input id="file" type="file" hidden>
    </div>
    <div hidden>
      <label for="passphrase" part="label">Passphrase of the private key</label>
      <input id="passphrase" type="hidden" required ${PLAIN}>
    </div>
    <div>
      <label for="environment" part="label">Environment</label>
      <select id="environment" autocomplete="off" part="input">
        <option value="production" selected>Production: real funds</option>
        <option value="demo">Demo: Binance's test network</option>
      </select>
    </div>
  </fieldset>
  <div class="actions">
    <button id="test" class="main" part="button test">Test key</button>
    <button type="button" id="cancel" part="button cancel" hidden>Cancel</button>
    <slot name="save"><button type="button" id="save" class="save" part="button save" hidden>Save</button></slot>
  </div>
  <progress id="progress" max="7" value="0" aria-label="Progress of the test" part="progress" hidden></progress>
  <p id="status" class="status" role="status" part="status"></p>
  <p id="problem" class="problem kc-item kc-unproven" role="alert" part="problem" hidden></p>
</form>
<div id="verdict" class="kc-page verdict" part="verdict"></div>
<div id="checks" class="kc-page" part="checks"></div>`;

/** A failure whose message is a sentence for the reader. */
class Problem extends Error {}

class KeycheckForm extends HTMLElement {
  #at = {}; // the elements of SHELL by their ids
  #pem = "";
  #tested = null;
  #running = null; // an AbortController
  #report = ""; // the address of the downloadable report

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [STYLE];
    root.append(SHELL.content.cloneNode(true));
    for (const one of root.querySelectorAll("[id]")) this.#at[one.id] = one;
    const { show, choose, file, remove, cancel, secret } = this.#at;
    const form = root.querySelector("form");
    const slot = root.querySelector("slot");
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#test(); });
    form.addEventListener("input", () => this.#changed());
    show.addEventListener("click", () => this.#showSecret(secret.type === "password"));
    choose.addEventListener("click", () => file.click());
    file.addEventListener("change", () => this.#takeFile(file.files[0]));
    remove.addEventListener("click", () => { this.#setPem(""); secret.focus(); });
    cancel.addEventListener("click", () => this.#running?.abort());
    secret.addEventListener("paste", (event) => this.#takePasted(event));
    this.#at.save.addEventListener("click", () => this.#save());
    slot.addEventListener("slotchange", () => this.#setTested(this.#tested));
    form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("dragged"); });
    form.addEventListener("dragleave", () => form.classList.remove("dragged"));
    form.addEventListener("drop", (event) => {
      form.classList.remove("dragged");
      if (event.dataTransfer.files.length === 0) return; // text: the field takes it by itself
      event.preventDefault();
      this.#takeFile(event.dataTransfer.files[0]);
    });
  }

  connectedCallback() {
    const { environment, save, status, token } = this.#at;
    const fixed = this.getAttribute("environment");
    if (fixed) environment.value = fixed;
    environment.parentElement.hidden = Boolean(fixed);
    reveal(token, this.hasAttribute("asks-token"));
    save.hidden = !this.hasAttribute("save");
    this.#setTested(null);
    status.textContent = "A test takes a few seconds.";
    if (!window.isSecureContext) {
      this.#at.fields.disabled = this.#at.test.disabled = true;
      this.#tell(UNPROTECTED);
    }
  }

  disconnectedCallback() {
    this.#running?.abort();
  }

  get tested() {
    const same = this.#tested && JSON.stringify(this.#values()) === this.#tested.values;
    return same ? { ...JSON.parse(this.#tested.values), receipt: this.#tested.receipt } : null;
  }

  // -- the fields --

  #values() {
    const { key, secret, passphrase, environment } = this.#at;
    const values = { apiKey: key.value.replace(AROUND, ""), environment: environment.value };
    if (!this.#pem) return { ...values, apiSecret: secret.value.replace(AROUND, "") };
    return { ...values, privateKey: this.#pem, ...(passphrase.value && { passphrase: passphrase.value }) };
  }

  #changed() {
    const { status, verdict } = this.#at;
    this.#tell("");
    this.#setTested(null);
    if (!verdict.hasChildNodes()) return;
    verdict.classList.add("stale");
    status.textContent = "Something was changed since this verdict: test the key again.";
  }

  #setTested(tested) {
    this.#tested = tested;
    const slot = this.shadowRoot.querySelector("slot");
    for (const button of slot.assignedElements({ flatten: true })) button.disabled = !tested;
  }

  #showSecret(shown) {
    this.#at.secret.type = shown ? "text" : "password";
    this.#at.show.firstChild.data = shown ? "Hide" : "Show";
  }

  #takePasted(event) {
    const text = event.clipboardData.getData("text/plain");
    if (!text.includes("-----BEGIN")) return;
    event.preventDefault(); // a field of one line would drop the line breaks
    this.#takePem(text);
  }

  async #takeFile(file) {
    this.#at.file.value = "";
    if (this.#at.fields.disabled) return; // a file may be dropped at any time
    if (file) this.#takePem(file.size > LONGEST_PEM ? "" : await file.text().catch(() => "")); // a folder has none
  }

  #takePem(text) {
    if (this.#at.fields.disabled) return; // a test has begun since
    if (PRIVATE_KEY.test(text) && text.length <= LONGEST_PEM) return this.#setPem(text);
    this.#tell(NO_PRIVATE_KEY);
  }

  #setPem(text) {
    const { chosen, hint, passphrase, pem, secret, test, typed } = this.#at;
    const encrypted = text.includes("ENCRYPTED");
    this.#pem = text;
    secret.value = passphrase.value = "";
    this.#showSecret(false);
    typed.hidden = hint.hidden = Boolean(text);
    chosen.hidden = !text;
    if (text) secret.type = "hidden"; // as in reveal()
    reveal(passphrase, encrypted);
    this.#at["secret-label"].textContent = text ? "Private key" : "API secret";
    pem.textContent = `PEM of ${text.trim().split("\n").length} lines${encrypted ? ", encrypted" : ""}`;
    this.#changed();
    if (text) (encrypted ? passphrase : test).focus();
  }

  // -- the test --

  async #test() {
    const values = JSON.stringify(this.#values());
    const running = (this.#running = new AbortController());
    this.#begin();
    try {
      const answer = await this.#post(this.getAttribute("endpoint") ?? "binance", values, running.signal);
      let last = null;
      for await (const line of lines(answer.body)) {
        last = JSON.parse(line);
        if (last.check) this.#showCheck(last);
      }
      if (!isVerdict(last?.verdict)) throw new Problem(BROKEN_OFF);
      this.#showVerdict(last);
      if (last.verdict.ok) this.#setTested({ values, receipt: last.receipt });
      this.#say("verdict", { verdict: last.verdict, receipt: last.receipt ?? null });
    } catch (error) {
      this.#fail(error, running.signal);
    } finally {
      running.abort(); // hangs up, if the answer was not read to its end
      this.#end();
    }
  }

  #begin() {
    const { cancel, checks, progress, status, verdict } = this.#at;
    this.#setTested(null);
    this.#tell("");
    URL.revokeObjectURL(this.#report);
    verdict.classList.remove("stale");
    verdict.replaceChildren();
    checks.replaceChildren();
    progress.value = 0;
    this.#setRunning(true);
    status.textContent = "The test has begun.";
    cancel.focus();
  }

  #end() {
    const { cancel, test } = this.#at;
    const had = this.shadowRoot.activeElement === cancel;
    this.#running = null;
    this.#setRunning(false);
    if (had) test.focus();
  }

  #setRunning(running) {
    const { cancel, fields, progress, test } = this.#at;
    fields.disabled = test.disabled = running;
    cancel.hidden = progress.hidden = !running;
  }

  async #post(address, body, signal) {
    const headers = { "Content-Type": "application/json", Accept: "application/x-ndjson", "Keycheck-Report": "yes" };
    const name = this.getAttribute("token-header");
    if (name) headers[name] = this.getAttribute("token") ?? "";
    if (this.#at.token.value) headers.Authorization = `Bearer ${this.#at.token.value}`;
    const how = { method: "POST", redirect: "manual", cache: "no-store", credentials: "same-origin" };
    const answer = await fetch(address, { ...how, headers, body, signal }).catch((error) => {
      throw signal?.aborted ? error : new Problem(UNREACHABLE);
    });
    if (answer.type === "opaqueredirect") throw new Problem(ELSEWHERE);
    if (answer.status === 401 && this.hasAttribute("asks-token")) throw new Problem(ANOTHER_TOKEN);
    if (!answer.ok) throw new Problem(await refusal(answer));
    return answer;
  }

  #fail(error, signal) {
    const { checks, status, verdict } = this.#at;
    if (signal) verdict.replaceChildren(); // a half of one, at most
    status.textContent = signal ? "There is no verdict." : "The key was not saved.";
    if (signal?.aborted) {
      status.textContent = "The test was cancelled, so nothing is known about the key.";
      checks.replaceChildren();
    } else this.#tell(error instanceof Problem ? error.message : BROKEN_OFF);
  }

  #tell(problem) {
    this.#at.problem.textContent = problem;
    this.#at.problem.hidden = !problem;
  }

  #say(what, detail) {
    this.dispatchEvent(new CustomEvent(`keycheck:${what}`, { detail, bubbles: true, composed: true }));
  }

  // -- the answer --

  #showCheck(line) {
    const { checks, progress, status } = this.#at;
    const name = SHARED.steps[line.step] ?? "More";
    let step = checks.querySelector(`[data-step="${CSS.escape(line.step)}"] ul`);
    if (!step) {
      step = make("ul");
      const heading = make("h3", {}, `${line.step || ""} ${name}`);
      if (!checks.hasChildNodes()) checks.append(make("h2", {}, "All checks"));
      checks.append(make("section", { class: "step", "data-step": line.step }, heading, step));
      status.textContent = `Step ${line.step} of 7: ${name}`;
    }
    const [mark, word, before] = SHARED.outcomes[line.outcome] ?? ["?", String(line.outcome), ""];
    const parts = [hidden(mark), " ", label(word), " ", before, line.title];
    step.append(make("li", { class: `kc-${line.outcome}`, "data-check": line.check }, ...parts));
    progress.value = line.step - 0.5;
    this.#say("check", line);
  }

  #showVerdict({ verdict, report }) {
    const { checks, status } = this.#at;
    const word = verdict.verdict.replace("_", " ");
    this.#at.verdict.append(head(verdict), ...causes(verdict.diagnosis));
    if (report) {
      this.#report = URL.createObjectURL(new Blob([report], { type: "text/html" }));
      const link = make("a", { href: this.#report, download: "keycheck-report.html" }, "Download the full report");
      const use = ", to keep it or to attach it to a ticket. It holds no secret.";
      this.#at.verdict.append(make("p", { class: "report" }, link, use));
    }
    for (const one of verdict.checks) {
      const line = checks.querySelector(`[data-check="${CSS.escape(one.id)}"]`);
      if (["fail", "warn", "unproven"].includes(one.outcome)) line?.append(noted("Observed: ", one.detail));
      if (one.outcome === "warn") line?.append(noted("What to do: ", one.fix));
    }
    const warnings = verdict.checks.filter((one) => one.outcome === "warn").length;
    const more = warnings ? ` Warnings, which change no verdict: ${warnings}.` : "";
    const told = verdict.ok ? `for exactly these values.${more}` : "see below for the causes, and what to do.";
    status.textContent = `${word}, ${told}`;
    this.#at.verdict.scrollIntoView({ block: "nearest" });
  }

  async #save() {
    const { fields, status, test } = this.#at;
    const [tested, body] = [this.#tested, this.tested];
    if (!body) return this.#changed();
    this.#setTested(null);
    this.#tell("");
    fields.disabled = test.disabled = true;
    try {
      await this.#post(this.getAttribute("save"), JSON.stringify(body));
      status.textContent = "The key was saved.";
    } catch (error) {
      this.#setTested(tested);
      this.#fail(error);
    } finally {
      fields.disabled = test.disabled = false;
    }
  }
}

/** Shows a password's row, or takes it out of the form, where a field that is required would keep it from being sent. */
function reveal(field, shown) {
  field.type = shown ? "password" : "hidden";
  field.parentElement.hidden = !shown;
}

// -- pieces of the answer --

function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const isVerdict = (found) => Object.hasOwn(SHARED.shapes, found?.verdict) && found.ok === (found.verdict === "OK");
const hidden = (text) => make("i", { "aria-hidden": "true" }, text);
const noted = (name, text, kind = "") => make("p", { class: kind }, make("b", {}, name), text);
const label = (text) => make("b", { class: "kc-label" }, text);

function head(verdict) {
  const word = verdict.verdict.replace("_", " ");
  const kind = verdict.environment === "demo" ? "demo" : "production";
  const { type, lastFour } = verdict.key;
  const key = lastFour ? `${type ?? ""} key ending in ${lastFour}`.trim() : "";
  const [before, name, after] = sentence(verdict, kind);
  const whole = make("span", { class: "kc-whole" }, name); // without a line break
  const told = make("div", {}, make("p", { class: "kc-sentence" }, before, whole, after));
  const elsewhere = SHARED.elsewhere[verdict.exchange];
  if (elsewhere) told.append(make("p", { class: "kc-elsewhere" }, elsewhere));
  told.append(make("p", { class: "kc-about" }, [verdict.environment, verdict.symbol, key].filter(Boolean).join(" · ")));
  const card = make("section", { class: `kc-verdict kc-${verdict.verdict.toLowerCase()}`, "aria-label": "Verdict" });
  card.append(shape(SHARED.shapes[verdict.verdict]), make("p", { class: "kc-word" }, word), told);
  return card;
}

/** As report/model.py: it speaks of the key only if a cause lies in the key. `kind`: production or demo. */
function sentence({ verdict, diagnosis, pingOk }, kind) {
  const outside = SHARED.outsideTheKey[kind][verdict] ?? {};
  const isKnown = ({ cause }) => Object.hasOwn(outside, cause) && !(pingOk && SHARED.onTheWay.includes(cause));
  const isOutside = diagnosis.length > 0 && diagnosis.every(isKnown);
  return isOutside ? outside[diagnosis[0].cause] : SHARED.sentences[kind][verdict];
}

function shape(path) {
  const drawing = "http://www.w3.org/2000/svg";
  const made = document.createElementNS(drawing, "svg");
  made.setAttribute("class", "kc-shape");
  made.setAttribute("viewBox", "0 0 24 24");
  made.setAttribute("aria-hidden", "true");
  const line = made.appendChild(document.createElementNS(drawing, "path"));
  line.setAttribute("fill-rule", "evenodd");
  line.setAttribute("d", path);
  return made;
}

function causes(diagnosis) {
  if (diagnosis.length === 0) return [];
  const heading = make("h2", {}, diagnosis.length > 1 ? "What is wrong, most likely first" : "What is wrong");
  const shown = new Set();
  const where = make("p", { class: "hint" }, "Where a fix names the file .env, use the fields above in its place.");
  const hints = diagnosis.some((one) => one.fix.includes(".env")) ? [where] : [];
  return [heading, ...hints, make("div", { class: "kc-causes" }, ...diagnosis.map((one) => cause(one, shown)))];
}

/** `shown`: the evidence of the causes before this one. */
function cause(one, shown) {
  const sure = make("p", { class: "kc-sure" }, hidden(SHARED.dots[one.confidence] ?? ""), ` ${one.confidence} `);
  sure.append(make("code", {}, one.cause));
  const heading = make("h3", {}, SHARED.causes[one.cause] ?? one.cause);
  const fix = noted("What to do: ", one.fix, "kc-do");
  const news = one.evidence.filter((text) => !shown.has(text));
  for (const text of news) shown.add(text);
  const rest = news.length ? "Seen, besides the above:" : "Seen: as above.";
  const list = make("ul", {}, ...news.map((text) => make("li", {}, text)));
  const seen = make("div", { class: "kc-seen" }, news.length === one.evidence.length ? "Seen:" : rest, list);
  const card = make("article", { class: "kc-item kc-cause" }, sure, heading, make("p", {}, one.explanation), fix);
  if (one.evidence.length) card.append(seen);
  return card;
}

// -- the network --

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    const parts = (held + (value ?? "")).split("\n");
    held = done ? "" : parts.pop();
    yield* parts.filter(Boolean);
    if (done) return;
  }
}

/** What a server that refuses says, in a sentence. */
async function refusal(answer) {
  const told = (await answer.json().catch(() => null)) ?? {};
  const seconds = Number(answer.headers.get("Retry-After"));
  const unknown = `The server answered with HTTP status ${answer.status}, and without a reason. Try again; if that does
    not help, tell whoever runs the server.`;
  const why = told.detail ?? told.title ?? unknown;
  return seconds ? `${why} The next test can begin in ${seconds}\u00a0s.` : why;
}

customElements.define("keycheck-form", KeycheckForm);
