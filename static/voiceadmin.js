// What a page can do without, made a little easier: menus that close by themselves, and ticks.

const openMenus = () => document.querySelectorAll("details.pick[open]");

document.addEventListener("click", (event) => {
  for (const menu of openMenus()) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault(); // the popover around it stays
  }
});

const form = document.querySelector(".acting");
const all = form?.querySelector(".all");
if (all) {
  const box = all.firstChild, ticks = [...form.querySelectorAll("tbody [type=checkbox]")];
  const tell = () => {
    const number = ticks.filter((tick) => tick.checked).length;
    form.querySelector(".bulk__told").textContent = number ? `With ${number} selected:` : "None selected";
    for (const button of form.querySelectorAll(".bulk button")) button.disabled = !number;
    box.checked = number === ticks.length;
    box.indeterminate = number && !box.checked;
  };
  form.addEventListener("change", ({ target }) => {
    if (target === box) for (const tick of ticks) tick.checked = box.checked;
    tell();
  });
  addEventListener("pageshow", tell); // a browser that comes back to the page may have kept the ticks
  all.hidden = false;
}

const { left, staying } = document.body.dataset;
if (left) setTimeout(() => import(staying), (left - 150) * 1000); // seconds; shortly before the session ends
