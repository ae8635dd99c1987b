// A stand-in for https://cdn.shopify.com/shopifycloud/polaris-1.js: the fields' properties that our script reads (value, checked,
// error), as custom elements around plain controls, and boxes that are laid out. Nothing of how Polaris looks.
(() => {
  class Field extends HTMLElement {
    connectedCallback() {
      if (this.control) return;
      this.control = this.make();
      this.control.setAttribute("aria-label", this.getAttribute("label"));
      this.control.style.maxInlineSize = "100%";
      this.append(this.control);
    }
    get value() { return this.control.value; }
    set value(value) { this.control.value = value; }
    set error(text) { text ? this.setAttribute("error", text) : this.removeAttribute("error"); }
    make() {
      const made = document.createElement(this.tagName === "S-TEXT-AREA" ? "textarea" : "input");
      made.value = this.getAttribute("value") || "";
      return made;
    }
  }
  class Select extends Field {
    make() {
      const made = document.createElement("select");
      for (const option of this.querySelectorAll("s-option")) made.add(new Option(option.textContent, option.getAttribute("value")));
      made.value = this.getAttribute("value");
      return made;
    }
  }
  class Switch extends Field {
    get checked() { return this.control.checked; }
    make() {
      const made = document.createElement("input");
      made.type = "checkbox";
      made.checked = this.hasAttribute("checked");
      return made;
    }
  }
  const Box = () => class extends HTMLElement { connectedCallback() { this.style.display = "block"; } };
  const begin = () => {
    for (const name of ["s-page", "s-section", "s-stack", "s-banner", "s-button", "s-link", "s-box"]) customElements.define(name, Box());
    for (const name of ["s-text-field", "s-number-field", "s-text-area"]) customElements.define(name, class extends Field {});
    customElements.define("s-select", Select);
    customElements.define("s-switch", Switch);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin); else begin();
})();
