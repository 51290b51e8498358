"""What the Northwind files become: record, file, and what to say of columns beyond the guess.

A column is left out by None; else it is (label, type) or (label, type, options).
"""

from pathlib import Path

FOLDER = Path(__file__).with_name("northwind")
WORKSPACE = "Northwind Traders"
USD = {"currency": "USD", "precision": 19, "scale": 2}
COUNTRIES = ["Argentina", "Australia", "Austria", "Belgium", "Brazil", "Canada", "Denmark"]
COUNTRIES += ["Finland", "France", "Germany", "Ireland", "Italy", "Japan", "Mexico"]
COUNTRIES += ["Netherlands", "Norway", "Poland", "Portugal", "Singapore", "Spain", "Sweden"]
COUNTRIES += ["Switzerland", "UK", "USA", "Venezuela"]
COUNTRY = ("Country", "choice", {"choices": COUNTRIES})
PLACE = {
    "address": ("Address", "text"),
    "city": ("City", "text"),
    "region": ("Region", "text"),
    "postalCode": ("Postal code", "text"),
    "country": COUNTRY,
}
COMPANY = {
    "companyName": ("Company", "text"),
    "contactName": ("Contact", "text"),
    "contactTitle": ("Contact title", "text"),
    **PLACE,
    "phone": ("Phone", "phone"),
    "fax": ("Fax", "phone"),
}

# name: (file, icon, colour, columns)
RECORDS = {
    "Customers": (
        "customers.csv",
        "users",
        "blue",
        {"customerID": ("Customer ID", "text"), **COMPANY},
    ),
    "Orders": (
        "orders.csv",
        "shopping-cart",
        "violet",
        {
            "orderID": ("Order ID", "integer"),
            "customerID": ("Customer ID", "text"),
            "employeeID": ("Employee ID", "integer"),
            "orderDate": ("Order date", "date"),
            "requiredDate": ("Required date", "date"),
            "shippedDate": ("Shipped date", "date"),
            "shipVia": ("Ship via", "integer"),
            "freight": ("Freight", "currency", USD),
            "shipName": ("Ship name", "text"),
            "shipAddress": ("Ship address", "text"),
            "shipCity": ("Ship city", "text"),
            "shipRegion": ("Ship region", "text"),
            "shipPostalCode": ("Ship postal code", "text"),
            "shipCountry": ("Ship country", "choice", {"choices": COUNTRIES}),
        },
    ),
    "Order details": (
        "order-details.csv",
        "receipt",
        "violet",
        {
            "orderID": ("Order ID", "integer"),
            "productID": ("Product ID", "integer"),
            "unitPrice": ("Unit price", "currency", USD),
            "quantity": ("Quantity", "integer"),
            "discount": ("Discount", "percent", {"scale": 2}),
        },
    ),
    "Products": (
        "products.csv",
        "package",
        "teal",
        {
            "productID": ("Product ID", "integer"),
            "productName": ("Product", "text"),
            "supplierID": ("Supplier ID", "integer"),
            "categoryID": ("Category ID", "integer"),
            "quantityPerUnit": ("Quantity per unit", "text"),
            "unitPrice": ("Unit price", "currency", USD),
            "unitsInStock": ("Units in stock", "integer"),
            "unitsOnOrder": ("Units on order", "integer"),
            "reorderLevel": ("Reorder level", "integer"),
            "discontinued": ("Discontinued", "boolean"),
        },
    ),
    "Categories": (
        "categories.csv",
        "category",
        "teal",
        {
            "categoryID": ("Category ID", "integer"),
            "categoryName": ("Category", "text"),
            "description": ("Description", "text"),
            "picture": None,
        },
    ),
    "Suppliers": (
        "suppliers.csv",
        "building",
        "amber",
        {
            "supplierID": ("Supplier ID", "integer"),
            **COMPANY,
            "homePage": ("Home page", "text"),
        },
    ),
    "Shippers": (
        "shippers.csv",
        "truck",
        "amber",
        {
            "shipperID": ("Shipper ID", "integer"),
            "companyName": ("Company", "text"),
            "phone": ("Phone", "phone"),
        },
    ),
    "Employees": (
        "employees.csv",
        "id-badge-2",
        "pink",
        {
            "employeeID": ("Employee ID", "integer"),
            "lastName": ("Last name", "text"),
            "firstName": ("First name", "text"),
            "title": ("Title", "text"),
            "titleOfCourtesy": ("Courtesy", "choice", {"choices": ["Ms.", "Mrs.", "Mr.", "Dr."]}),
            "birthDate": ("Birth date", "date"),
            "hireDate": ("Hire date", "date"),
            **PLACE,
            "homePhone": ("Home phone", "phone"),
            "extension": ("Extension", "text"),
            "photo": None,
            "notes": ("Notes", "long_text"),
            "reportsTo": ("Reports to", "integer"),
            "photoPath": None,
        },
    ),
    "Territories": (
        "territories.csv",
        "map-pin",
        "green",
        {
            "territoryID": ("Territory ID", "text"),
            "territoryDescription": ("Territory", "text"),
            "regionID": ("Region ID", "integer"),
        },
    ),
    "Regions": (
        "regions.csv",
        "world",
        "green",
        {"regionID": ("Region ID", "integer"), "regionDescription": ("Region", "text")},
    ),
    "Employee territories": (
        "employee-territories.csv",
        "map-pin",
        "green",
        {"employeeID": ("Employee ID", "integer"), "territoryID": ("Territory ID", "text")},
    ),
}
# Nobody else has the same: an import can find entries by them.
UNIQUE = {"customerID", "orderID", "productID", "categoryID", "supplierID", "shipperID"}
UNIQUE |= {"employeeID", "territoryID", "regionID"}
