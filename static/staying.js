// Warns before the session ends by itself, and prolongs it at a click. Loaded when that is near.

const SOON = Math.min(125, document.body.dataset.left / 2); // seconds

const make = (name, more) => Object.assign(document.createElement(name), more);
const title = make("h2", { id: "staying-title" });
const text = make("p");
const stay = make("button", { type: "button", className: "button button--primary" });
const told = make("div", { ariaLive: "polite" });
const dialog = make("dialog", { className: "ask", role: "alertdialog" });
dialog.setAttribute("aria-labelledby", title.id);
told.append(title, text);
dialog.append(told, stay);
document.body.append(dialog);
if (!document.querySelector('link[href*="pages.css"]')) {
  document.head.append(make("link", { rel: "stylesheet", href: new URL("pages.css", import.meta.url) }));
}

let state = ""; // "warned", "last" (it cannot be longer) or "over"
let timer;

const tell = (now, heading, words, button) => {
  state = now;
  [title.textContent, text.textContent, stay.textContent] = [heading, words, button];
  if (!dialog.open) dialog.showModal();
};

const look = async (method = "GET") => {
  clearTimeout(timer);
  const token = document.querySelector("[name=csrf_token]").value;
  const headers = method === "POST" ? { "X-CSRF-Token": token } : { "X-Background": "1" };
  let left;
  try {
    const answer = await fetch("/session", { method, headers, redirect: "error" });
    if (!answer.ok) throw new Error(answer.statusText);
    ({ seconds_left: left } = await answer.json());
  } catch {
    timer = setTimeout(look, method === "POST" ? 0 : 10_000); // the server may be back by then
    return;
  }
  if (!left) {
    tell("over", "You were signed out", "Nothing was done for a while, or you had been signed in for long.", "Sign in again");
    return;
  }
  timer = setTimeout(look, left > SOON ? (left - SOON + 1) * 1000 : (left % 60 + 1) * 1000);
  const minutes = Math.ceil(left / 60);
  const end = `You will be signed out in ${minutes} ${minutes === 1 ? "minute" : "minutes"}`;
  if (left > SOON) {
    state = "";
    dialog.close();
  } else if (method === "POST") {
    tell("last", "Soon you have to sign in again", `${end}, whatever you do: nobody stays signed in for longer.`, "Close");
  } else if (state !== "last") {
    tell("warned", "Still there?", `${end}.`, "Stay signed in");
  }
};

stay.addEventListener("click", () => {
  if (state === "warned") look("POST");
  else if (state === "last") dialog.close();
  else location.assign(`/sign-in?${new URLSearchParams({ next: location.pathname + location.search })}`);
});

look();
