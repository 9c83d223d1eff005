// What a page can do without, made a little easier: menus that close by themselves, and text to copy.

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

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) break; // only where the page is local or encrypted
  button.hidden = false;
  button.ariaLive = "polite"; // so that "Copied" is heard too
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.firstChild.data = "Copied";
    setTimeout(() => { button.firstChild.data = "Copy"; }, 2000);
  });
}

const { left, staying } = document.body.dataset;
if (left) setTimeout(() => import(staying), (left - 150) * 1000); // seconds; shortly before the session ends
