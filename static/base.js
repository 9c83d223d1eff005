// Scripts of every page: closing menus, selecting rows, and loading the warning before the session ends.

const openMenus = () => document.querySelectorAll("details.dropdown[open]");

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
    event.preventDefault(); // keeps the popover around the menu open
  }
});

const form = document.querySelector(".selection-form");
const selectAll = form?.querySelector(".select-all");
if (selectAll) {
  const selectAllBox = selectAll.firstChild, rowBoxes = [...form.querySelectorAll("tbody [type=checkbox]")];
  const updateSelection = () => {
    const count = rowBoxes.filter((box) => box.checked).length;
    form.querySelector(".selection-bar__count").textContent = count ? `With ${count} selected:` : "None selected";
    for (const button of form.querySelectorAll(".action-bar button")) button.disabled = !count;
    selectAllBox.checked = count === rowBoxes.length;
    selectAllBox.indeterminate = count && !selectAllBox.checked;
  };
  form.addEventListener("change", ({ target }) => {
    if (target === selectAllBox) for (const box of rowBoxes) box.checked = selectAllBox.checked;
    updateSelection();
  });
  addEventListener("pageshow", updateSelection); // the browser may restore the checkboxes when going back
  selectAll.hidden = false;
}

const { sessionSeconds, sessionWarning } = document.body.dataset; // seconds left, URL of the script
if (sessionSeconds) setTimeout(() => import(sessionWarning), (sessionSeconds - 150) * 1000);
