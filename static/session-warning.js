// Warns before the session ends, and extends it on click. base.js loads this shortly before that.

const WARNING_SECONDS = Math.min(125, document.body.dataset.sessionSeconds / 2); // before the end

const create = (name, properties) => Object.assign(document.createElement(name), properties);
const title = create("h2", { id: "session-warning-title" });
const text = create("p");
const button = create("button", { type: "button", className: "button button--primary" });
const liveRegion = create("div", { ariaLive: "polite" });
const dialog = create("dialog", { className: "dialog", role: "alertdialog" });
dialog.setAttribute("aria-labelledby", title.id);
liveRegion.append(title, text);
dialog.append(liveRegion, button);
document.body.append(dialog);
if (!document.querySelector('link[href*="components.css"]')) {
  document.head.append(create("link", { rel: "stylesheet", href: new URL("components.css", import.meta.url) }));
}

let state = ""; // "warned", "final" (the session cannot be extended) or "ended"
let timer;

const root = document.body.dataset.root ?? ""; // the path below which a proxy serves this site

const show = (newState, heading, message, label) => {
  state = newState;
  [title.textContent, text.textContent, button.textContent] = [heading, message, label];
  if (!dialog.open) dialog.showModal();
};

// Read the remaining time with GET; extend the session with POST.
const checkSession = async (method = "GET") => {
  clearTimeout(timer);
  const token = document.querySelector("[name=csrf_token]").value;
  const headers = method === "POST" ? { "X-CSRF-Token": token } : { "X-Background": "1" };
  let secondsLeft;
  try {
    const response = await fetch(`${root}/session`, { method, headers, redirect: "error" });
    if (!response.ok) throw new Error(response.statusText);
    ({ seconds_left: secondsLeft } = await response.json());
  } catch {
    timer = setTimeout(checkSession, method === "POST" ? 0 : 10_000); // the server may respond again by then
    return;
  }
  if (!secondsLeft) {
    show("ended", "You were signed out", "Your session has expired.", "Sign in again");
    return;
  }
  const isSoon = secondsLeft <= WARNING_SECONDS;
  timer = setTimeout(checkSession, (isSoon ? secondsLeft % 60 + 1 : secondsLeft - WARNING_SECONDS + 1) * 1000);
  const minutes = Math.ceil(secondsLeft / 60);
  const message = `You will be signed out in ${minutes} ${minutes === 1 ? "minute" : "minutes"}.`;
  if (!isSoon) {
    state = "";
    dialog.close();
  } else if (method === "POST") {
    show("final", "You must sign in again soon", `${message} The session has reached its maximum length.`, "Close");
  } else if (state !== "final") {
    show("warned", "Your session is about to expire", message, "Stay signed in");
  }
};

button.addEventListener("click", () => {
  if (state === "warned") checkSession("POST");
  else if (state === "final") dialog.close();
  else location.assign(`${root}/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`);
});

checkSession();
