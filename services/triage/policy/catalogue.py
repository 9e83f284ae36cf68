"""The businesses of a retail branch: their names, channels, forms (T5), and which devices can do them (T3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal

from services.triage.model.words import Channel, Form, Words

Diversion = Literal["never", "always", "small"]
"""Whether a fitting device may do it instead of a counter: never, any amount, or small amounts."""


@dataclass(frozen=True, kw_only=True)
class Business:
    """What a customer can want."""

    code: str
    name: Words
    channel: Channel
    forms: tuple[Form, ...] = ()
    diversion: Diversion = "never"
    devices: tuple[str, ...] = ()


def _form(code: str, zh: str, en: str) -> Form:
    return Form(code=code, name=Words(zh=zh, en=en))


ID = _form("id_card", "有效身份证件", "Valid identity document")
PASSBOOK = _form("passbook_or_card", "存折或银行卡", "Passbook or bank card")
SLIP = _form("transaction_slip", "业务凭证(已填写)", "Transaction slip, filled in")
OPENING = _form("account_opening_form", "开户申请书", "Account opening application")
CHANGE = _form("account_change_form", "个人账户变更申请书", "Account change application")
REMITTANCE = _form("remittance_slip", "汇款凭证", "Remittance slip")
FX = _form("fx_form", "个人外汇业务申请书", "Personal foreign exchange application")
LOSS = _form("loss_report_form", "挂失申请书", "Loss report")
BILL = _form("bill_notice", "缴费通知单或户号", "Bill or customer number")
LICENCE = _form("business_licence", "营业执照", "Business licence")
SEAL = _form("company_seal", "预留印鉴", "Registered company seal")
CHEQUE = _form("cheque", "支票", "Cheque")
MANDATE = _form("mandate", "授权委托书", "Letter of authority")
INCOME = _form("income_proof", "收入证明", "Proof of income")
CONTRACT = _form("purchase_contract", "购房合同", "Purchase contract")
RISK = _form("risk_assessment", "风险测评问卷", "Risk assessment questionnaire")
NOTES = _form("damaged_notes", "残损币", "The damaged notes")

_CASH = ("atm", "crs")
_SCREENS = ("atm", "crs", "vtm", "kiosk")
_PAYING = ("kiosk", "vtm", "crs")


def _business(
    code: str,
    zh: str,
    en: str,
    *forms: Form,
    channel: Channel = "counter",
    diversion: Diversion = "never",
    devices: tuple[str, ...] = (),
) -> Business:
    return Business(
        code=code, name=Words(zh=zh, en=en), channel=channel, forms=forms, diversion=diversion, devices=devices
    )


_ALL = (
    _business("query", "账户查询", "Balance and statement enquiry", PASSBOOK, diversion="always", devices=_SCREENS),
    _business("cash_withdrawal", "取款", "Cash withdrawal", PASSBOOK, SLIP, diversion="small", devices=_CASH),
    _business("bill_payment", "缴费", "Bill payment", BILL, diversion="always", devices=_PAYING),
    _business("cash_deposit", "存款", "Cash deposit", PASSBOOK, SLIP),
    _business("large_cash_withdrawal", "大额取款", "Large cash withdrawal", ID, PASSBOOK, SLIP),
    _business("transfer", "转账", "Transfer", ID, PASSBOOK, SLIP),
    _business("remittance", "汇款", "Remittance", ID, REMITTANCE),
    _business("account_opening", "开户", "Account opening", ID, OPENING),
    _business("account_closing", "销户", "Account closing", ID, PASSBOOK, CHANGE),
    _business("account_service", "账户服务", "Account service", ID, PASSBOOK),
    _business("account_service_en", "账户服务(英语)", "Account service in English", ID, PASSBOOK),
    _business("card_replacement", "换卡", "Card replacement", ID, PASSBOOK, CHANGE),
    _business("loss_report", "挂失", "Loss report", ID, LOSS),
    _business("password_reset", "密码重置", "Password reset", ID, PASSBOOK, CHANGE),
    _business("personal_data_change", "客户信息变更", "Change of personal data", ID, CHANGE),
    _business("fixed_deposit", "定期存款", "Fixed deposit", ID, PASSBOOK, SLIP),
    _business("foreign_exchange", "外汇兑换", "Foreign exchange", ID, FX),
    _business("note_exchange", "残损币兑换", "Exchange of damaged notes", NOTES),
    _business("coin_exchange", "零钞兑换", "Change of notes and coins"),
    _business("social_security_card", "社保卡业务", "Social security card", ID, CHANGE),
    _business("certificate_of_deposit", "存款证明", "Certificate of deposit", ID, PASSBOOK),
    _business("internet_banking_support", "网上银行服务", "Internet banking support", ID),
    _business("mobile_banking_signup", "手机银行签约", "Mobile banking sign-up", ID, PASSBOOK),
    _business("securities_trading", "银证业务", "Securities trading", ID, PASSBOOK),
    _business("callback_request", "回电请求", "Callback request"),
    _business("corporate_account_opening", "对公开户", "Corporate account opening", LICENCE, SEAL, MANDATE,
              channel="corporate"),
    _business("corporate_settlement", "对公结算", "Corporate settlement", SEAL, CHEQUE, channel="corporate"),
    _business("corporate_cash", "对公现金", "Corporate cash", SEAL, SLIP, channel="corporate"),
    _business("payroll", "代发工资", "Payroll", SEAL, MANDATE, channel="corporate"),
    _business("corporate_consulting", "公司业务咨询", "Corporate business consulting", channel="corporate_desk"),
    _business("personal_loan", "个人贷款", "Personal loan", ID, INCOME, channel="loan_desk"),
    _business("mortgage", "住房贷款", "Mortgage", ID, INCOME, CONTRACT, channel="loan_desk"),
    _business("loan_repayment", "贷款还款", "Loan repayment", ID, PASSBOOK, channel="loan_desk"),
    _business("wealth_product", "理财产品", "Wealth product", ID, RISK, channel="wealth_desk"),
    _business("fund", "基金", "Fund", ID, RISK, channel="wealth_desk"),
    _business("insurance", "保险", "Insurance", ID, channel="wealth_desk"),
    _business("treasury_bond", "国债", "Treasury bond", ID, PASSBOOK, channel="wealth_desk"),
)  # fmt: skip

CATALOGUE: Mapping[str, Business] = MappingProxyType({business.code: business for business in _ALL})
"""Every business by its code."""


def close_matches(code: str, catalogue: Mapping[str, Business] = CATALOGUE) -> tuple[str, ...]:
    """Return the codes that look like a mistyped one, the closest first."""
    return tuple(get_close_matches(code, catalogue, n=3, cutoff=0.5))
