// Keyboard shortcuts of the triage queue. Each of them presses a button that the page has too.

const form = document.getElementById("selection-form");
const items = [...document.querySelectorAll("[data-item]")];
const shortcuts = document.getElementById("shortcuts");
const enabled = document.getElementById("shortcuts-enabled");
const undo = [...document.querySelectorAll("[data-undo]")].at(-1); // of the last operation
const STORAGE_KEY = "voiceadmin-keys"; // in localStorage: "off" when single-key shortcuts are disabled

const checkbox = (item) => item?.querySelector("input[type=checkbox]");
const selectedItems = () => items.filter((item) => checkbox(item)?.checked);
const itemOf = (node) => items.find((item) => item.contains(node));
const focusItem = (item) => item?.querySelector("th :is(a, b)").focus();
const actionButton = (action) => form.querySelector(`.action-bar button[name=action][value=${action}]`);

let itemBeforeMenu; // had the focus before it moved into a menu
let itemSelectedForMenu; // was selected only because the menu needs a selection
let isSubmitted = false; // no more shortcuts once the page is being left

const focusIndex = (index) => focusItem(items[Math.max(0, Math.min(index, items.length - 1))]);
const currentIndex = () => items.indexOf(itemOf(document.activeElement));

// Select the current item unless others are selected. Returns whether anything is selected.
const ensureSelection = () => {
  const item = itemOf(document.activeElement);
  itemBeforeMenu = item ?? itemBeforeMenu;
  if (selectedItems().length) return true;
  if (!checkbox(item)) return false;
  checkbox(item).click();
  itemSelectedForMenu = item;
  return true;
};

const applyAction = (action) => {
  if (!ensureSelection()) return;
  const button = actionButton(action), menu = button.closest("details");
  if (!menu) return form.requestSubmit(button);
  menu.open = true;
  menu.querySelector("input, select").focus();
};

const assignToMe = () => {
  const assignee = form.elements.namedItem("assignee");
  if (assignee.options[0].text !== "Me") return applyAction("assign");
  assignee.selectedIndex = 0;
  if (ensureSelection()) form.requestSubmit(actionButton("assign"));
};

const handlers = {
  j: () => focusIndex(currentIndex() + 1),
  k: () => focusIndex(currentIndex() - 1),
  x: () => checkbox(itemOf(document.activeElement))?.click(),
  c: () => applyAction("acknowledge"),
  a: () => applyAction("archive"),
  s: assignToMe,
  z: () => applyAction("snooze"),
  n: () => applyAction("note"),
  u: () => undo?.click(),
  "?": () => shortcuts.showModal(),
};

const takesText = (target) => target.closest("textarea, select, dialog, input:not([type=checkbox])");

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest(".dropdown__form");
  if (menu && event.key === "Enter" && event.target.matches("input, select")) {
    event.preventDefault();
    form.requestSubmit(menu.querySelector("button"));
  }
  if (event.key === "Escape" && itemBeforeMenu) {
    if (checkbox(itemSelectedForMenu)?.checked) checkbox(itemSelectedForMenu).click();
    focusItem(itemBeforeMenu);
    itemBeforeMenu = itemSelectedForMenu = undefined;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isSubmitted || !enabled.checked || takesText(event.target)) return;
  if (event.repeat && !"jk".includes(event.key)) return; // a key that is held down applies an action once
  const handler = handlers[event.key];
  if (!handler) return;
  event.preventDefault();
  handler();
});

// After an operation, the next page focuses the item after the changed ones; after an undo, the same item.
form.addEventListener("submit", ({ submitter }) => {
  isSubmitted = true;
  const own = submitter?.name === "row_action" ? itemOf(submitter) : undefined;
  const changed = own ? [own] : selectedItems();
  const start = items.indexOf(own ?? itemOf(document.activeElement) ?? itemBeforeMenu ?? changed[0]);
  const candidates = items.slice(start + 1).concat(items.slice(0, Math.max(start, 0)).reverse());
  setReturnItem(form, candidates.find((item) => !changed.includes(item)));
});

undo?.form.addEventListener("submit", () => {
  isSubmitted = true;
  setReturnItem(undo.form, itemOf(document.activeElement));
});

function setReturnItem(sender, item) {
  const next = sender.elements.namedItem("next");
  next.value = next.value.split("#")[0] + (item ? `#${item.dataset.item}` : "");
}

// Going back from an opened item focuses it again.
form.addEventListener("click", ({ target }) => {
  const item = target.closest("th a") && itemOf(target);
  if (item) history.replaceState(null, "", `#${item.dataset.item}`);
});

addEventListener("pageshow", () => { isSubmitted = false; }); // the browser may restore the page from its cache

enabled.checked = localStorage.getItem(STORAGE_KEY) !== "off";
enabled.addEventListener("change", () => localStorage.setItem(STORAGE_KEY, enabled.checked ? "on" : "off"));
shortcuts.querySelector("[data-close]").addEventListener("click", () => shortcuts.close());
const opener = form.querySelector("[data-shortcuts]");
opener.addEventListener("click", () => shortcuts.showModal());
opener.hidden = false;

// Screen readers announce only what changes in a region with role status, so its content is inserted again.
const notices = document.querySelector(".flashes");
// Items have no id: the browser would scroll to the element of the URL by itself and take the focus from the link.
const returnItem = items.find((item) => `#${item.dataset.item}` === location.hash);
if (returnItem) focusItem(returnItem);
else if (notices) focusIndex(0);
notices?.append(...notices.childNodes);
